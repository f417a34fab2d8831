from aiokafka.partitioner import DefaultPartitioner
from hypothesis import example, given
from hypothesis import strategies as st

from runtime.kafka.partitions import partition_of


@given(key=st.binary(max_size=100), partitions=st.integers(1, 100))
@example(key=b"", partitions=12)
@example(key=b"\xff" * 7, partitions=12)
def test_a_key_is_where_any_other_client_would_put_it(key: bytes, partitions: int) -> None:
    everywhere = list(range(partitions))

    chosen = partition_of(key, partitions)

    assert chosen == DefaultPartitioner()(key, everywhere, everywhere)
