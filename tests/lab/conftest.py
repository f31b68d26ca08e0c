import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning_fabric")
pytest.importorskip("sklearn")


@pytest.fixture(autouse=True)
def one_thread():
    """Small work on one thread: faster, and friendly to whoever shares the machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
