#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the public headers say: structs, constants and functions, read as the C that they are.

  headers.py layout INCLUDE      a C program that prints where every member of every struct lies,
                                 and the values of enumerators and constants
  headers.py signatures INCLUDE  a C file that declares every function as these headers do
  headers.py compare FROZEN NOW  complains where what two of those programs printed says that a
                                 program compiled with the frozen headers breaks
  headers.py future INCLUDE OUT  copies of the headers in which each struct that has a size has one
                                 more member, `future`
  headers.py unused INCLUDE FILE complains about structs that have a size, but are not in the C file

As a module: structs(INCLUDE), for bindings (binding.py).
"""

import pathlib
import re
import sys

# What may change without breaking a program: versions, and limits that may be raised.
LOOSE = re.compile(r"_COUNT$|SVF_VERSION|LINEAR_VERSION|_MAX(_|$)")


def files(include):
    return sorted(pathlib.Path(include, "svf").glob("*.h"))


def code(include):
    """All headers, without comments and directives."""
    text = "".join(f.read_text() for f in files(include))
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
    text = text.replace("\\\n", " ")
    return re.sub(r"^\s*(#.*|extern \"C\" \{|\})$", "", text, flags=re.M)


def constants(include):
    """Names of macros that stand for a number."""
    text = "".join(f.read_text() for f in files(include)).replace("\\\n", " ")
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
    found = re.findall(r"^\s*#\s*define (SVF_[A-Z0-9_]+) +([^\s].*)$", text, flags=re.M)
    return [name for name, value in found if re.search(r"\d", value)]


def enumerators(include):
    bodies = re.findall(r"typedef enum (\w+) \{(.*?)\} \1;", code(include), flags=re.S)
    items = [item.split("=")[0].strip() for _, body in bodies for item in body.split(",")]
    return [item for item in items if item]  # there may be a comma after the last


def members(body):
    """(name, type, length or None) of each member; what is called is of the type 'function *'."""
    for declaration in filter(None, (" ".join(d.split()) for d in body.split(";"))):
        called = re.match(r"[^()]*\(\*(\w+)\)\(", declaration)
        if called:
            yield called[1], "function *", None
            continue
        first, *others = declaration.split(",")
        base, stars, name, length = re.match(r"(.*?)\s*(\**)(\w+)(?:\[(\w+)\])?$", first).groups()
        yield name, base + stars, length
        for other in others:
            stars, name, length = re.match(r"\s*(\**)(\w+)(?:\[(\w+)\])?$", other).groups()
            yield name, base + stars, length


def structs(include):
    """{name: [(member, type, length or None)...]} in the order of the headers' names."""
    bodies = re.findall(r"typedef struct (\w+) \{(.*?)\} \1;", code(include), flags=re.S)
    return {name: list(members(body)) for name, body in bodies}


def sized(all_members):
    return all_members[0][:2] == ("size", "size_t")


def growing(include):
    return [name for name, all_members in structs(include).items() if sized(all_members)]


def unused(include, program):
    """Complains about structs that may grow and that the program does not use."""
    text = pathlib.Path(program).read_text()
    bad = [name for name in growing(include) if not re.search(rf"\b{name}\b", text)]
    print("\n".join(f"{program} does not use {name}" for name in bad), end="\n" if bad else "")
    return len(bad) > 0


def layout(include):
    lines = ["#include <stddef.h>", "#include <stdio.h>"]
    lines += [f"#include <svf/{f.name}>" for f in files(include)]
    lines.append("int main(void)\n{")
    for name, all_members in structs(include).items():
        kind = "grows" if sized(all_members) else "fixed"
        lines.append(f'  printf("{name} {kind} %zu\\n", sizeof({name}));')
        for member, _, _ in all_members:
            lines.append(
                f'  printf("{name}.{member} %zu %zu\\n", offsetof({name}, {member}),'
                f" sizeof((({name} *)0)->{member}));"
            )
    for name in filter(lambda n: not LOOSE.search(n), enumerators(include) + constants(include)):
        lines.append(f'  printf("{name} %lld\\n", (long long)({name}));')
    return "\n".join(lines + ["  return 0;", "}"])


def compare(frozen, now):
    """Lines of the frozen program must be the current one's; but structs that grow may be larger
    now, and have more members after what the frozen program knows of them, padding included."""
    old, new = (
        {line.split()[0]: line.split()[1:] for line in pathlib.Path(f).read_text().splitlines()}
        for f in (frozen, now)
    )
    bad = []
    for name, value in old.items():
        larger = value[0] == "grows" and new.get(name, [""])[0] == "grows"
        larger = larger and int(new[name][1]) >= int(value[1])
        if new.get(name) != value and not larger:
            bad.append(f"{name} was {value}, is {new.get(name)}")
    for name in new.keys() - old.keys():
        struct = old.get(name.split(".")[0])
        if "." in name and struct and (struct[0] == "fixed" or int(new[name][0]) < int(struct[1])):
            bad.append(f"{name} is new, but its struct was {struct} and it is at {new[name][0]}")
    print("\n".join(bad + [f"{len(old)} layouts and values"]))
    return len(old) < 100 or len(bad) > 0


def signatures(include):
    functions = re.findall(r"SVF_API [^;]*;", code(include))
    return "\n".join(
        [f"#include <svf/{f.name}>" for f in files(include)]
        + [" ".join(f.split()) for f in functions]
        + ["const void *const all[] = {"]
        + [f"  (const void *){re.search(r'(svf_[a-z0-9_]+)[(]', f)[1]}," for f in functions]
        + ["};", "int main(void) { return all[0] == 0; }"]
    )


def future(include, out):
    target = pathlib.Path(out, "svf")
    target.mkdir(parents=True)
    for header in files(include):
        text = header.read_text()
        for name in growing(include):
            text = re.sub(rf"^\}} {name};", f"  uint64_t future;\n}} {name};", text, flags=re.M)
        (target / header.name).write_text(text)


def main(command, *arguments):
    if command in ("layout", "signatures"):
        print({"layout": layout, "signatures": signatures}[command](*arguments))
        return 0
    return {"compare": compare, "future": future, "unused": unused}[command](*arguments)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
