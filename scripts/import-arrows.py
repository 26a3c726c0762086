#!/usr/bin/env python3
"""Compares every import with the direction in which imports may point: docs/architecture.md, "The arrows"."""

import pathlib
import re
import sys

# Targets of ours that each target may import.
ARROWS = {
    "CRMPluginSDK": {"CRMPluginAPI"},
    "CRMCore": set(),
    "CRMCrypto": {"CRMCore", "COpenSSL"},
    "CRMStore": {"CRMCore", "CRMCrypto", "CPostgres"},
    "CRMTransport": {"CRMCore", "CCurl"},
    "CRMIdentity": {"CRMCore", "CRMCrypto"},
    "CRMProviders": {"CRMCore", "CRMCrypto", "CRMPluginAPI", "CRMTransport"},
    "CRMFakeHost": {"CRMPluginAPI"},
    "CRMProviderKit": {"CLinux", "CRMCore", "CRMPluginAPI", "CRMFakeHost", "CRMKitFiles", "CRMProviders", "CRMTransport"},
    "CRMDelivery": {"CRMCore"},
    "CRMServer": {"CRMCore"},
    "CRMHost": {"CRMCore", "CRMCrypto", "CRMStore", "CRMTransport", "CRMIdentity", "CRMProviders", "CRMProviderKit", "CRMDelivery", "CRMServer", "CLinux"},
    "CRMSandbox": {"CRMCore", "CRMCrypto"},
}
PLUGIN = {"CRMPluginSDK"}
PLUGIN_ENTRY = {"CRMPluginSDK", "CRMPluginAPI"}

# Modules of others, and who may use them. What is not listed here is imported by nobody.
EVERYWHERE = {"Swift", "Synchronization", "_Concurrency"}
OTHERS = {
    "Glibc": {
        "CRMPluginSDK", "CRMCrypto", "CRMStore", "CRMTransport", "CRMIdentity", "CRMProviders", "CRMFakeHost", "CRMProviderKit", "CRMHost",
        "CRMSandbox",
    },
    "FoundationEssentials": {
        "CRMCore", "CRMStore", "CRMTransport", "CRMIdentity", "CRMProviders", "CRMDelivery", "CRMServer", "CRMHost", "CRMSandbox",
    },
    "Logging": {"CRMStore", "CRMTransport", "CRMIdentity", "CRMProviders", "CRMProviderKit", "CRMDelivery", "CRMServer", "CRMHost"},
    "ServiceLifecycle": {"CRMStore", "CRMProviders", "CRMDelivery", "CRMHost"},
    "UnixSignals": {"CRMHost"},
    "Configuration": {"CRMHost"},
    "ArgumentParser": {"CRMHost", "CRMSandbox"},
    "Dispatch": {"CRMFakeHost"},
    "Yams": {"CRMProviders"},
    "Hummingbird": {"CRMServer", "CRMHost"},
    "HTTPTypes": {"CRMServer"},
    "NIOCore": {"CRMServer", "CRMSandbox"},
    "NIOPosix": {"CRMSandbox"},
    "NIOHTTP1": {"CRMSandbox"},
}

# Single files that need one thing of a module which their target otherwise does without.
EXCEPTIONS = {("Sources/CRMCore/Values/Secret.swift", "Glibc")}  # explicit_bzero

IMPORT = re.compile(
    r"^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:(?:public|package|internal|fileprivate|private)\s+)?"
    r"import\s+(?:(?:struct|class|enum|protocol|func|var|let|typealias)\s+)?(\w+)"
)
LOADING = re.compile(r"\b(?:dlopen|dlsym|dlclose|dlmopen)\s*\(")
C_LIBRARIES = {"CPostgres", "CCurl", "COpenSSL", "CLinux"}


def target_of(path):
    """The target of a source file, and the modules of ours that it may import; None where no arrow applies."""
    parts = path.parts
    if parts[0] == "Sources":
        return parts[1], ARROWS.get(parts[1])
    if parts[0] == "Plugins":
        return parts[1], PLUGIN_ENTRY if "Entry" in parts else PLUGIN | {parts[1]}
    return None


def complaints_about(path):
    target = target_of(path)
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        place = f"{path}:{number}: error:"
        if "@testable" in line.split("//")[0] and "import" in line:
            yield f"{place} @testable does not exist in a release build; what a test needs has the access level `package`"
        if target and target[0] not in ("CRMProviders", "CRMFakeHost") and LOADING.search(line.split("//")[0]):
            yield f"{place} only CRMProviders and the fake host load libraries"
        match = IMPORT.match(line)
        if not match:
            continue
        module = match.group(1)
        if target is None:
            if module in C_LIBRARIES:
                yield f"{place} a test reaches {module} through the target that owns it"
            continue
        name, allowed = target
        if allowed is None:
            yield f"{place} the target {name} is not in the table of scripts/import-arrows.py"
            return
        if module in allowed or module in EVERYWHERE or module == name:
            continue
        if path.parts[0] == "Plugins" and "Entry" in path.parts and module == path.parts[1]:
            continue
        if path.parts[0] == "Sources" and name in OTHERS.get(module, ()):
            continue
        if (path.as_posix(), module) in EXCEPTIONS:
            continue
        may = ", ".join(sorted(allowed - {name})) or "nothing"
        yield f"{place} {name} may not import {module}; of ours it imports {may}"


def main():
    root = pathlib.Path(".")
    files = sorted(path for folder in ("Sources", "Plugins", "Tests") for path in root.glob(f"{folder}/**/*.swift") if ".build" not in path.parts)
    complaints = [complaint for path in files for complaint in complaints_about(path)]
    print("\n".join(complaints) or f"{len(files)} files, no import against the arrows")
    sys.exit(1 if complaints else 0)


main()
