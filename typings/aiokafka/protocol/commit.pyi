# See runtime/kafka/offset_fetch.py.
from typing import ClassVar

class OffsetFetchRequest_v1: ...

class OffsetFetchRequest:
    _CLASSES: ClassVar[tuple[type, ...]]
