/* SPDX-License-Identifier: Apache-2.0
 *
 * A tokenizer.json with every kind of component, small enough to read, and to fail each of its
 * allocations. */
#ifndef SVF_TESTS_TOKENIZER_SMALL_H
#define SVF_TESTS_TOKENIZER_SMALL_H

#define MARK "\xe2\x96\x81"

/* A file around the members of its model. */
#define WITH_MODEL(members) "{\"model\":{\"type\":\"BPE\"," members "}}"
/* A file with a sound model and another member. */
#define WITH(member) "{" member ",\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[]}}"
#define ADDED(member) WITH("\"added_tokens\":[{" member "}]")
#define SPLIT(pattern, behavior)                                     \
  WITH("\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{" pattern \
       "},"                                                          \
       "\"behavior\":\"" behavior "\",\"invert\":false}")

/* Ids have a hole at 4..8; [S] is special, <tool> is not. */
static const char small_tokenizer[] =
    "{\"added_tokens\":["
    "{\"id\":9,\"content\":\"[S]\",\"special\":true,\"normalized\":false},"
    "{\"id\":10,\"content\":\"<tool>\",\"special\":false,\"normalized\":true}],"
    "\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":["
    "{\"type\":\"NFC\"},{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},"
    "\"content\":\"" MARK
    "\"}]},"
    "\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"\\\\p{N}|[^\\\\p{N}]+\"},"
    "\"behavior\":\"Isolated\",\"invert\":false},"
    "\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":["
    "{\"SpecialToken\":{\"id\":\"[S]\",\"type_id\":0}},{\"Sequence\":{\"id\":\"A\",\"type_id\":0}}]"
    ","
    "\"special_tokens\":{\"[S]\":{\"id\":\"[S]\",\"ids\":[9],\"tokens\":[\"[S]\"]}}},"
    "\"decoder\":{\"type\":\"Sequence\",\"decoders\":["
    "{\"type\":\"Replace\",\"pattern\":{\"String\":\"" MARK
    "\"},\"content\":\" \"},"
    "{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"},"
    "{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":0}]},"
    "\"model\":{\"type\":\"BPE\",\"unk_token\":\"?\",\"byte_fallback\":true,\"fuse_unk\":true,"
    "\"vocab\":{\"a\":0,\"b\":1,\"ab\":2,\"" MARK
    "\":3,\"?\":11,\"<0xC3>\":12,\"<0xA9>\":13,"
    "\"\xc3\xbc\":14,\"<0xE2>\":15},"
    "\"merges\":[[\"a\",\"b\"]]}}";

#endif
