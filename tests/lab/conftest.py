import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning_fabric")
pytest.importorskip("sklearn")

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def one_thread():
    """Small work on one thread: faster, and friendly to whoever shares the machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def server():
    """`whyshape play` with the thread's network, one for a file of tests."""
    from running import Running

    running = Running()
    yield running
    code, said = running.stop()
    assert code == 0 and "Traceback" not in said
