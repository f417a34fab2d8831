from collections.abc import Iterator
from typing import BinaryIO

class Tokenizer:
    FREQ: dict[str, int]
    total: int
    initialized: bool
    @staticmethod
    def gen_pfdict(f: BinaryIO) -> tuple[dict[str, int], int]: ...
    def get_dict_file(self) -> BinaryIO: ...
    def cut(self, sentence: str, cut_all: bool = ..., HMM: bool = ...) -> Iterator[str]: ...  # noqa: N803 - its name
