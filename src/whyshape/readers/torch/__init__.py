"""The torch reader: `read(model, input_size)` follows the model's own forward and gives its Graph."""

from whyshape.readers.torch.forward import read, verify

__all__ = ["read", "verify"]
