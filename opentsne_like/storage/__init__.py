"""Files of named arrays and a JSON header, written whole or not at all and read without running code.

A file is an uncompressed zip archive of ``.npy`` members, so ``numpy.load(path, allow_pickle=False)`` opens it. One
member, ``header.npy``, holds a JSON text as bytes:

    {"format": "opentsne_like", "version": 2, "packages": {"numpy": "2.4.6", ...},
     "arrays": {"coordinates": {"dtype": "<f8", "shape": [1797, 2], "crc32": "0f3c9a51"}, ...},
     "content": {...}}

where ``content`` is what the caller passed as header. The checksum of an array is the CRC-32 of its member. The zip
format wants that number anyway and it is computed at 4 GB/s on the way to the disk, so that an array is read through
once; hashing with BLAKE2b as well would cost a checkpoint four times as much. It shows damage and exchanged arrays,
with odds of 2^-32 to miss one; no checksum without a secret could show a forgery. `fingerprint` answers another
question (are these the same data?) and is a cryptographic hash.
"""

from .claims import Claim
from .fingerprints import fingerprint
from .layout import parts_below
from .reading import read, versions
from .writing import check_writable, replacing, write, write_missing

__all__ = [
    "Claim",
    "check_writable",
    "fingerprint",
    "parts_below",
    "read",
    "replacing",
    "versions",
    "write",
    "write_missing",
]
