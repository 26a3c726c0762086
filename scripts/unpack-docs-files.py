#!/usr/bin/env python3
"""Takes the browser's files of Swagger UI and ReDoc out of the drf-spectacular-sidecar wheel: WHEEL DIRECTORY."""

import pathlib
import sys
import zipfile

STATIC = "drf_spectacular_sidecar/static/drf_spectacular_sidecar/"
FOLDERS = {STATIC + "swagger-ui-dist/": "swagger-ui", STATIC + "redoc/bundles/": "redoc", STATIC + "redoc/": "redoc"}


def main(wheel: pathlib.Path, directory: pathlib.Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.namelist():
            if entry.endswith((".map", "/")):
                continue
            source = next((prefix for prefix in FOLDERS if entry.startswith(prefix)), None)
            if source is None:
                continue
            target = directory / FOLDERS[source] / pathlib.PurePosixPath(entry).name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(archive.read(entry))
    for needed in ("swagger-ui/swagger-ui-bundle.js", "swagger-ui/swagger-ui.css", "redoc/redoc.standalone.js"):
        if not (directory / needed).is_file():
            sys.exit(f"error: {wheel.name} does not hold {needed}")
    name, version = wheel.name.split("-")[:2]
    (directory / "VERSION").write_text(f"{name} {version}\n")


main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
