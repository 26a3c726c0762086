#!/usr/bin/env python3
"""Writes Sources/CRMKitFiles/kit_files.c: the list of files that `crm-host providers new` carries. `--check` only compares."""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = ROOT / "Sources/CRMKitFiles/kit_files.c"
# Directory, and what the executable calls it.
SOURCES = [
    ("Examples/swift-acme", "swift"), ("Examples/c-acme", "c"), ("Sources/CRMPluginAPI", "api"), ("Sources/CRMPluginSDK", "sdk"),
    ("Sources/CRMFakeHost", "fakehost"), ("Tests/CRMPluginTestKit", "testkit"),
]
# What a build leaves behind there.
MADE = {".build", "Package.resolved", "Kit"}

HEAD = """\
/* The files that `crm-host providers new` writes, in the executable itself: two examples, the header with the schemas, the SDK, the fake
 * host and the test kit. Written by scripts/kit-files.py; ./dev lint compares. */
#include "kit_files.h"

/* C23's way of including bytes; Swift's clang has it in every language mode. */
#pragma clang diagnostic ignored "-Wc23-extensions"

"""


def files(directory):
    for path in sorted(directory.iterdir()):
        if path.name in MADE or path.suffix == ".so":
            continue
        if path.is_dir():
            yield from files(path)
        else:
            yield path


def text():
    entries = [
        (f"{name}/{path.relative_to(ROOT / source)}", path.relative_to(ROOT)) for source, name in SOURCES for path in files(ROOT / source)
    ]
    bodies = [f'static const unsigned char file_{i}[] = {{\n#embed "../../{path}"\n}};\n' for i, (_, path) in enumerate(entries)]
    rows = [f'    {{"{name}", file_{i}, sizeof file_{i}}},\n' for i, (name, _) in enumerate(entries)]
    return (
        HEAD + "".join(bodies) + "\nstatic const crm_kit_file files[] = {\n" + "".join(rows)
        + "};\n\nconst crm_kit_file *crm_kit_files(size_t *count) {\n    *count = sizeof files / sizeof files[0];\n    return files;\n}\n"
    )


def main():
    if sys.argv[1:] == ["--check"]:
        if TARGET.read_text() != text():
            sys.exit("error: Sources/CRMKitFiles/kit_files.c is not up to date.\n       python3 scripts/kit-files.py")
    else:
        TARGET.write_text(text())


main()
