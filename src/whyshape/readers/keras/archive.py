"""A `.keras` file: a zip whose config.json is read as data. Its weights and its code are not touched."""

from __future__ import annotations

import json
import zipfile
import zlib
from pathlib import Path
from typing import Any

from whyshape.errors import WhyshapeError
from whyshape.readers.named import naming

LARGEST = 32 * 2**20  # bytes of config.json, unpacked: the largest of Keras' own applications has 0.6 million
RATIO = 100  # unpacked : packed
MOST_ENTRIES = 10_000


@naming
def config_of(source: str | Path) -> dict[str, Any]:
    """The model's config. Raises `WhyshapeError` for a file that is no `.keras`, is damaged, or unpacks to too much."""
    try:
        with zipfile.ZipFile(source) as archive:
            if len(archive.infolist()) > MOST_ENTRIES:
                raise WhyshapeError(f"This .keras file has more than {MOST_ENTRIES:,} entries.")
            entry = archive.getinfo("config.json")
            if entry.file_size > LARGEST or entry.file_size > RATIO * max(entry.compress_size, 1):
                raise WhyshapeError(f"The config.json of this .keras file unpacks to {entry.file_size:,} bytes: that is no model's config.")
            with archive.open(entry) as stream:
                text = stream.read(LARGEST + 1)  # never more, whatever the header says
    except KeyError:
        raise WhyshapeError("This .keras file has no config.json.") from None
    except OSError as error:
        raise WhyshapeError(f"{str(source)[:200]!r} cannot be read: {error.strerror or error}.") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise WhyshapeError(f"This is not a .keras file, or it is damaged: {str(error)[:80]}.") from None
    if len(text) > LARGEST:
        raise WhyshapeError(f"The config.json of this .keras file unpacks to more than {LARGEST:,} bytes.")
    try:
        config = json.loads(text)
    except (ValueError, RecursionError):
        raise WhyshapeError("The config.json of this .keras file is not JSON, or is nested too deeply.") from None
    if not isinstance(config, dict):
        raise WhyshapeError("The config.json of this .keras file describes no model.")
    return config
