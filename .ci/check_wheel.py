"""Check the wheel in a folder: pure Python, typed, the package and nothing else: ``check_wheel.py FOLDER``."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

(wheel,) = Path(sys.argv[1]).glob("*.whl")
assert wheel.name.endswith("-py3-none-any.whl"), wheel.name
names = zipfile.ZipFile(wheel).namelist()
assert "opentsne_like/py.typed" in names
assert {"page.html", "page.css", "start.js"} <= {
    name.removeprefix("opentsne_like/plotting/page/assets/") for name in names
}
assert {"basics.cu", "step.cu"} <= {name.removeprefix("opentsne_like/gpu/sources/") for name in names}
assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"opentsne_like"}, names
assert not [name for name in names if "__pycache__" in name]
print(f"{wheel.name}: {len(names)} files")
