# SPDX-License-Identifier: GPL-2.0-only
"""Enrols one's own Secure Boot keys into a copy of OVMF's variables, as the firmware's set-up would.

The file is a firmware volume with a store of authenticated variables (EDK II,
MdeModulePkg/Include/Guid/VariableFormat.h): headers of 60 bytes, each followed by its UTF-16 name
and its data, and erased flash (0xff) behind the last. PK, KEK and db hold one EFI_SIGNATURE_LIST
with one X.509 certificate (UEFI 2.10, 32.4.1), and so does MokList, which is shim's own: it believes
the list where only boot services can have written it (shim, MokVars.txt).
"""

import struct
import uuid
from pathlib import Path
from typing import NamedTuple

_STORE_GUID = uuid.UUID("aaf32c78-947b-439a-a180-2e144ec37792").bytes_le
_X509_GUID = uuid.UUID("a5c059a1-94e4-4aa7-87b5-ab155c2bf072").bytes_le
_OWNER = uuid.UUID("5b2c4a7e-3d1f-4e86-9a60-f1125719b003").bytes_le
_STORE_HEADER_BYTES = 28
_HEADER = struct.Struct("<HBBIQ16sIII16s")
_START, _ADDED = 0x55AA, 0x3F
_SHIM_GUID = uuid.UUID("605dab50-e046-4300-abb6-3dd810dd8b23").bytes_le
_NON_VOLATILE, _BOOT_SERVICES = 1, 2


class Variable(NamedTuple):
    header: tuple  # fields of _HEADER
    name: str
    data: bytes

    def encoded(self):
        name = (self.name + "\0").encode("utf-16-le")
        fields = list(self.header)
        fields[7:9] = len(name), len(self.data)
        entry = _HEADER.pack(*fields) + name + self.data
        return entry + b"\xff" * (-len(entry) % 4)


def _store(image):
    """(first, end): where the variables lie in the file."""
    at = image.index(_STORE_GUID)
    (size,) = struct.unpack_from("<I", image, at + 16)
    return at + _STORE_HEADER_BYTES, at + size


def read(image):
    """The variables in the bytes of a file, those in use alone."""
    at, end = _store(image)
    while at + _HEADER.size <= end:
        fields = _HEADER.unpack_from(image, at)
        if fields[0] != _START:
            return
        name_at, data_at = at + _HEADER.size, at + _HEADER.size + fields[7]
        if fields[1] == _ADDED:
            yield Variable(fields, image[name_at:data_at].decode("utf-16-le").rstrip("\0"),
                           image[data_at:data_at + fields[8]])
        at = (data_at + fields[8] + 3) & ~3


def signature_list(certificate):
    """One X.509 certificate (DER) as an EFI_SIGNATURE_LIST."""
    size = 16 + len(certificate)
    return _X509_GUID + struct.pack("<III", 28 + size, 0, size) + _OWNER + certificate


def _replaced(image, variables):
    """The bytes of a file like `image` that holds `variables` and no others."""
    first, end = _store(image)
    entries = b"".join(variable.encoded() for variable in variables)
    if len(entries) > end - first:
        raise ValueError("the variables do not go into the store")
    return image[:first] + entries.ljust(end - first, b"\xff") + image[end:]


def enrol_mok(file, certificate):
    """Adds the DER file `certificate` to the variables in `file` as the one machine-owner key that
    shim trusts, as MokManager would."""
    image = Path(file).read_bytes()
    header = (_START, _ADDED, 0, _NON_VOLATILE | _BOOT_SERVICES, 0, bytes(16), 0, 0, 0, _SHIM_GUID)
    mok = Variable(header, "MokList", signature_list(Path(certificate).read_bytes()))
    Path(file).write_bytes(_replaced(image, [*read(image), mok]))


def enrol(template, keys, output):
    """Writes `output`: the file `template`, which has keys, with those of the folder `keys` in
    their place."""
    image = Path(template).read_bytes()
    variables = []
    replaced = set()
    for variable in read(image):
        if variable.name in ("PK", "KEK", "db"):
            certificate = (Path(keys) / f"{variable.name}.cer").read_bytes()
            variable = variable._replace(data=signature_list(certificate))
            replaced.add(variable.name)
        variables.append(variable)
    if replaced != {"PK", "KEK", "db"}:
        raise ValueError(f"the template has only {sorted(replaced)} of PK, KEK and db")
    Path(output).write_bytes(_replaced(image, variables))
