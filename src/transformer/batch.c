/* SPDX-License-Identifier: Apache-2.0 */
#include "src/transformer/batch.h"

#include <stdlib.h>
#include <string.h>

#include "src/core/size.h"
#include "src/core/status.h"

/* A pass costs about as much as this many more rows in another pass. */
enum { ROWS_OF_A_PASS = 32 };

/* The sequence that holds the most of a text, and how many tokens that is. */
typedef struct best {
  size_t slot; /* SVF_NONE: there is none */
  size_t length;
} best;

/* --- Texts ------------------------------------------------------------------------------------ */

svf_status svf_batch_create(svf_batch *b, svf_context *c, size_t count, size_t wanting)
{
  const svf_kv *kv = &c->kv;
  *b = (svf_batch){.c = c, .count = count, .wanting_most = wanting};
  b->prefix = calloc(count + 1, sizeof *b->prefix);
  b->text = calloc(count + 1, sizeof *b->text);
  b->order = calloc(count + 1, sizeof *b->order);
  b->slot = calloc(kv->sequences, sizeof *b->slot);
  b->rows = calloc(c->state.sizes.rows, sizeof *b->rows);
  b->mark = calloc(kv->count, sizeof *b->mark);
  for (size_t s = 0; b->slot && s < kv->sequences; ++s) b->slot[s].text = SVF_NONE;
  if (!b->prefix || !b->text || !b->order || !b->slot || !b->rows || !b->mark) {
    return svf_fail(SVF_ERR_MEMORY, "no memory for %zu texts in %zu sequences", count,
                    kv->sequences);
  }
  for (size_t i = 0; i < count; ++i) b->text[i].slot = SVF_NONE;
  return SVF_OK;
}

/* Gains belong to the text: its sequence keeps their hash alone. */
static void leave(svf_batch *b, size_t slot)
{
  b->c->gains[slot] = NULL;
  b->slot[slot].text = SVF_NONE;
}

void svf_batch_free(svf_batch *b)
{
  for (size_t s = 0; b->slot && s < b->c->kv.sequences; ++s) {
    if (b->slot[s].text != SVF_NONE) leave(b, s);
  }
  free(b->prefix);
  free(b->text);
  free(b->order);
  free(b->slot);
  free(b->rows);
  free(b->mark);
}

/* Gains that consecutive texts share are hashed once. */
svf_status svf_batch_plan(svf_batch *b)
{
  for (size_t i = 0; i < b->count; ++i) {
    const bool again = i > 0 && b->text[i].gains == b->text[i - 1].gains;
    b->prefix[i].hash = again ? b->prefix[i - 1].hash : svf_context_hash(b->c, b->text[i].gains);
  }
  return svf_prefix_order(b->prefix, b->count, b->order);
}

static bool is_waiting(const svf_batch_slot *s)
{
  return s->text != SVF_NONE && s->donor != SVF_NONE;
}

static bool is_running(const svf_batch_slot *s)
{
  return s->text != SVF_NONE && s->donor == SVF_NONE;
}

bool svf_batch_has_read(const svf_batch *b, size_t slot)
{
  const svf_batch_slot *s = &b->slot[slot];
  return is_running(s) && s->read == b->prefix[s->text].count;
}

/* --- KV blocks -------------------------------------------------------------------------------- */

/* KV blocks that a text takes in addition to those that it shares with its donor. */
static size_t blocks_besides(size_t positions, size_t shared)
{
  return svf_kv_blocks(positions) - shared / SVF_KV_BLOCK;
}

/* KV blocks that texts under way have yet to take. */
static size_t promised(const svf_batch *b)
{
  size_t sum = 0;
  for (size_t i = 0; i < b->c->kv.sequences; ++i) {
    const svf_batch_slot *s = &b->slot[i];
    if (is_waiting(s)) sum += blocks_besides(b->text[s->text].positions, s->goal);
    if (is_running(s)) sum += svf_kv_missing(&b->c->kv, i, b->text[s->text].positions);
  }
  return sum;
}

/* KV blocks that texts under way hold; shared ones count once. */
static size_t held(svf_batch *b)
{
  const svf_kv *kv = &b->c->kv;
  size_t sum = 0;
  memset(b->mark, 0, kv->count * sizeof *b->mark);
  for (size_t i = 0; i < kv->sequences; ++i) {
    const svf_kv_sequence *s = &kv->sequence[i];
    for (size_t k = 0; b->slot[i].text != SVF_NONE && k < s->held; ++k) {
      sum += !b->mark[s->blocks[k]];
      b->mark[s->blocks[k]] = true;
    }
  }
  return sum;
}

/* Idle sequences keep their KV blocks only until a text needs them. */
static void free_idle(svf_batch *b)
{
  for (size_t i = 0; i < b->c->kv.sequences && promised(b) > b->c->kv.unused_count; ++i) {
    if (b->slot[i].text == SVF_NONE) svf_context_end(b->c, i);
  }
}

/* --- Beginning -------------------------------------------------------------------------------- */

/* True if a text's leader, which may have ended, has read `length` tokens. */
static bool leader_has_read(const svf_batch *b, const svf_prefix *p, size_t length)
{
  if (p->leader == SVF_NONE) return false;
  const size_t slot = b->text[p->leader].slot;
  return slot == SVF_NONE || b->c->kv.sequence[slot].length >= length;
}

/* Finds the idle sequence and the running one that hold the most of a text's first `most` tokens,
 * how many each holds, and in *emptiest the idle sequence that holds the fewest positions. */
static void search(const svf_batch *b, const svf_prefix *p, size_t most, best *idle, best *running,
                   size_t *emptiest)
{
  const svf_kv *kv = &b->c->kv;
  for (size_t i = 0; i < kv->sequences; ++i) {
    if (is_waiting(&b->slot[i])) continue;
    best *to = is_running(&b->slot[i]) ? running : idle;
    const size_t same = svf_kv_matching(kv, i, p->hash, p->tokens, most);
    if (to->slot == SVF_NONE || same > to->length) *to = (best){i, same};
    if (to == running) continue;
    if (*emptiest == SVF_NONE || kv->sequence[i].length < kv->sequence[*emptiest].length) {
      *emptiest = i;
    }
  }
}

/* Chooses the beginning of the next text that leaves the least to read: what an idle sequence still
 * holds, a fork of a running sequence, or a fork of its leader once the leader has read enough. */
static void choose(svf_batch *b, size_t text)
{
  const svf_prefix *p = &b->prefix[text];
  const svf_batch_text *t = &b->text[text];
  const size_t goal = svf_size_min(p->shared, t->own);
  const size_t own = leader_has_read(b, p, goal) ? t->own : t->alone;
  const size_t leader = p->leader == SVF_NONE ? SVF_NONE : b->text[p->leader].slot;
  size_t emptiest = SVF_NONE;
  best idle = {SVF_NONE, 0}, running = {SVF_NONE, 0};
  search(b, p, own, &idle, &running, &emptiest);
  const size_t there = svf_size_max(idle.length, running.length);
  b->next = (svf_batch_slot){.text = text, .donor = SVF_NONE};
  b->next_slot = emptiest;
  b->next_begins = own;
  if (leader != SVF_NONE && goal > there) {
    b->next_begins = t->own;
    b->next.donor = leader;
    b->next.goal = goal;
  } else if (running.length > idle.length) {
    b->next.donor = running.slot;
    b->next.goal = running.length;
  } else {
    b->next.read = idle.length;
    if (idle.length > 0) b->next_slot = idle.slot;
  }
}

/* Of the whole KV blocks that the next text keeps, the number that texts under way hold too; held()
 * has marked those. */
static size_t kept_by_others(const svf_batch *b)
{
  size_t count = 0;
  for (size_t k = 0; k < b->next.read / SVF_KV_BLOCK; ++k) {
    count += b->mark[b->c->kv.sequence[b->next_slot].blocks[k]];
  }
  return count;
}

size_t svf_batch_next(svf_batch *b)
{
  if (b->begun == b->count) return SVF_NONE;
  const size_t text = b->order[b->begun];
  if (b->prefix[text].count == 0) return text;
  choose(b, text);
  if (b->next_slot == SVF_NONE) return SVF_NONE;
  const size_t taken = held(b) + promised(b);
  const size_t needed = blocks_besides(b->text[text].positions, b->next.goal) - kept_by_others(b);
  return taken + needed <= b->c->kv.count ? text : SVF_NONE;
}

void svf_batch_skip(svf_batch *b) { ++b->begun; }

void svf_batch_begin(svf_batch *b)
{
  const size_t slot = b->next_slot, text = b->next.text;
  svf_context_start(b->c, slot, b->text[text].gains, b->prefix[text].hash, b->next.read);
  b->slot[slot] = b->next;
  b->text[text].slot = slot;
  b->text[text].begins = b->next_begins;
  ++b->begun;
  free_idle(b);
}

/* --- Waiting ---------------------------------------------------------------------------------- */

static svf_status fork_from(svf_batch *b, size_t slot, size_t donor, size_t length)
{
  svf_batch_slot *s = &b->slot[slot];
  const svf_status status = svf_context_fork(b->c, donor, slot, length);
  b->c->gains[slot] = b->text[s->text].gains;
  s->donor = SVF_NONE;
  s->read = length;
  return status;
}

/* Forks every sequence whose donor has read enough; others may be waiting for the forks in turn. */
static svf_status fork_ready(svf_batch *b)
{
  const svf_kv *kv = &b->c->kv;
  svf_status status = SVF_OK;
  for (bool any = true; any && status == SVF_OK;) {
    any = false;
    for (size_t i = 0; status == SVF_OK && i < kv->sequences; ++i) {
      const svf_batch_slot *s = &b->slot[i];
      if (!is_waiting(s) || kv->sequence[s->donor].length < s->goal) continue;
      status = fork_from(b, i, s->donor, s->goal);
      any = true;
    }
  }
  return status;
}

/* If all texts that wait for the same donor would save less than a pass by waiting, and no KV
 * block, a text goes on with what has been read. */
static svf_status stop_waiting(svf_batch *b, size_t slot)
{
  svf_batch_slot *s = &b->slot[slot];
  const size_t alone = b->text[s->text].alone;
  size_t waiting = 0, emptiest = SVF_NONE;
  best idle = {SVF_NONE, 0}, running = {SVF_NONE, 0};
  search(b, &b->prefix[s->text], alone, &idle, &running, &emptiest);
  for (size_t i = 0; i < b->c->kv.sequences; ++i) {
    waiting += is_waiting(&b->slot[i]) && b->slot[i].donor == s->donor;
  }
  if (running.length / SVF_KV_BLOCK < s->goal / SVF_KV_BLOCK) return SVF_OK;
  if (running.length < s->goal && (s->goal - running.length) * waiting >= ROWS_OF_A_PASS) {
    return SVF_OK;
  }
  b->text[s->text].begins = alone;
  return fork_from(b, slot, running.length > 0 ? running.slot : s->donor, running.length);
}

/* --- Passes ----------------------------------------------------------------------------------- */

void svf_batch_clear(svf_batch *b)
{
  b->row_count = 0;
  b->wanting = 0;
}

void svf_batch_add(svf_batch *b, size_t slot, int32_t token, bool wants_logits)
{
  b->rows[b->row_count++] = (svf_row){slot, token, wants_logits};
  b->wanting += wants_logits;
}

static bool is_full(const svf_batch *b) { return b->row_count == b->c->state.sizes.rows; }

static void read(svf_batch *b, size_t slot)
{
  svf_batch_slot *s = &b->slot[slot];
  const svf_prefix *p = &b->prefix[s->text];
  while (s->read < p->count && !is_full(b)) {
    const bool wants = s->read >= b->text[s->text].begins;
    if (wants && b->wanting == b->wanting_most) return;
    svf_batch_add(b, slot, p->tokens[s->read++], wants);
  }
}

static bool is_reading(const svf_batch *b, size_t slot)
{
  return is_running(&b->slot[slot]) && !svf_batch_has_read(b, slot);
}

bool svf_batch_is_reading(const svf_batch *b)
{
  size_t s = 0;
  while (s < b->c->kv.sequences && !is_reading(b, s)) ++s;
  return s < b->c->kv.sequences;
}

/* Texts take turns: the next pass begins after the first one that cannot read on in this pass, or
 * with it if it got no row at all. */
static void read_in_turn(svf_batch *b)
{
  const size_t sequences = b->c->kv.sequences, first = b->turn;
  bool is_cut = false;
  for (size_t i = 0; i < sequences; ++i) {
    const size_t slot = (first + i) % sequences, before = b->row_count;
    if (!is_reading(b, slot)) continue;
    read(b, slot);
    if (is_cut || svf_batch_has_read(b, slot)) continue;
    is_cut = true;
    b->turn = (slot + (b->row_count > before)) % sequences;
  }
}

svf_status svf_batch_gather(svf_batch *b)
{
  const size_t sequences = b->c->kv.sequences;
  svf_status status = fork_ready(b);
  if (status == SVF_OK) read_in_turn(b);
  for (size_t i = 0; status == SVF_OK && i < sequences && !is_full(b); ++i) {
    if (!is_waiting(&b->slot[i])) continue;
    status = stop_waiting(b, i);
    if (status == SVF_OK && is_running(&b->slot[i])) read(b, i);
  }
  return status;
}

svf_status svf_batch_end(svf_batch *b, size_t slot)
{
  svf_status status = SVF_OK;
  for (size_t i = 0; status == SVF_OK && i < b->c->kv.sequences; ++i) {
    const svf_batch_slot *s = &b->slot[i];
    if (is_waiting(s) && s->donor == slot) status = fork_from(b, i, slot, s->goal);
  }
  b->text[b->slot[slot].text].slot = SVF_NONE;
  leave(b, slot);
  return status;
}
