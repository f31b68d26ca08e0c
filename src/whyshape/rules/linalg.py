"""Linear algebra: solving, inverting, decomposing matrices and batches of them."""

from __future__ import annotations

from whyshape.rules.base import Made, Rule, Unexplained, axes_at_least, broadcast_shapes, rule
from whyshape.rules.dtypes import complex_of, fractions, name_of, real_of, summed
from whyshape.sizes import need, product, smallest


def _cut(x):
    axes_at_least(2, x)
    return x[:-2], x[-2], x[-1]


def matrix(t):
    """The axes before the last two, the rows and the columns of a matrix that PyTorch can solve with: no whole numbers, no half precision."""
    parts = _cut(t.shape)
    solvable = ("float32", "float64", "complex64", "complex128")
    need(name_of(t.dtype) in solvable, "linear algebra takes {wanted}; {arrived} arrives",
         wanted="float32, float64 and complex numbers", arrived=name_of(t.dtype))  # fmt: skip
    return parts


def square(t):
    """The axes before the last two, and the rows, which must be as many as the columns."""
    return _as_many(*matrix(t))


def _as_many(lead, rows, columns):
    need(rows == columns, "a square matrix is wanted, {arrived:rows} and {wanted:columns arrive}", arrived=rows, wanted=columns)
    return lead, rows


class _Algebra(Rule):
    title = "linear algebra"


@rule("inverse", "cholesky", "torch.linalg.cholesky", "cholesky_inverse")
class SquareToSquare(_Algebra):
    """A square matrix of the same size."""

    @staticmethod
    def shape(input, upper=False, *, out=None):
        square(input)
        return input.shape


@rule("matrix_exp", "torch.linalg.matrix_exp")
class MatrixExponential(_Algebra):
    """The exponential of a square matrix: only products are needed, so half precision will do."""

    @staticmethod
    def shape(input, *, out=None):
        fractions(input.dtype, "a matrix exponential")
        _as_many(*_cut(input.shape))
        return input.shape


@rule("torch.linalg.inv")
class LinalgInverse(_Algebra):
    """The inverse of a square matrix."""

    @staticmethod
    def shape(A, *, out=None):
        square(A)
        return A.shape


@rule("matrix_power", "torch.linalg.matrix_power")
class MatrixPower(_Algebra):
    """A square matrix times itself."""

    @staticmethod
    def shape(input, n, *, out=None):
        if n < 0:
            square(input)
        _as_many(*_cut(input.shape))
        return input.shape

    @staticmethod
    def macs(call):
        """Squares of squares, and a product for each bit of the exponent but the first."""
        n = abs(int(call.n))
        return max(n.bit_length() + n.bit_count() - 2, 0) * product(call.input.shape) * call.input.shape[-1]


@rule("det", "logdet", "torch.linalg.det")
class Determinant(_Algebra):
    """One number for each square matrix."""

    @staticmethod
    def shape(A, *, out=None):
        return square(A)[0]


@rule("slogdet", "torch.linalg.slogdet")
class LogDeterminant(_Algebra):
    """The sign and the logarithm of the determinant."""

    @staticmethod
    def shape(A, *, out=None):
        lead, _ = square(A)
        return [lead, Made(lead, real_of(A.dtype))]


@rule("trace")
class Trace(_Algebra):
    """The diagonal added up."""

    @staticmethod
    def shape(input):
        need(len(input.shape) == 2, "a matrix is wanted, {arrived:axes arrive}", arrived=len(input.shape), wanted=2)
        return Made((), summed(input.dtype))


@rule("pinverse", "torch.linalg.pinv")
class PseudoInverse(_Algebra):
    """Rows and columns change places; a tolerance may be given for each matrix."""

    @staticmethod
    def shape(A, rcond=None, hermitian=False, *, atol=None, rtol=None, out=None):
        lead, rows, columns = matrix(A)
        if product(A.shape) != 0:  # of nothing nothing is asked
            if hermitian:
                square(A)
            lead = broadcast_shapes(lead, *[t.shape for t in (rcond, atol, rtol) if hasattr(t, "shape")])
        return (*lead, columns, rows)


@rule("torch.linalg.solve")
class Solve(_Algebra):
    """``x`` with ``A @ x == B``."""

    @staticmethod
    def shape(A, B, *, left=True, out=None):
        lead, n = square(A)
        b = B.shape
        if len(b) == 1 or (len(b) == len(A.shape) - 1 and all(bool(n == m) for n, m in zip(b, A.shape))):
            need(b[-1] == n, "{wanted:equations meet} {arrived:numbers}", wanted=n, arrived=b[-1])
            return (*broadcast_shapes(lead, b[:-1]), n)
        _, rows, columns = matrix(B)
        need((rows if left else columns) == n, "{wanted:equations meet} {arrived:numbers}", wanted=n, arrived=rows if left else columns)
        return (*broadcast_shapes(lead, b[:-2]), rows, columns)


@rule("torch.linalg.solve_triangular")
class SolveTriangular(_Algebra):
    """``x`` with ``A @ x == B`` for a triangular ``A``."""

    @staticmethod
    def shape(A, B, *, upper, left=True, unitriangular=False, out=None):
        lead, n = square(A)
        others, rows, columns = matrix(B)
        need((rows if left else columns) == n, "{wanted:equations meet} {arrived:numbers}", wanted=n, arrived=rows if left else columns)
        return (*broadcast_shapes(lead, others), rows, columns)


@rule("cholesky_solve")
class CholeskySolve(_Algebra):
    """The solution from a Cholesky factor."""

    @staticmethod
    def shape(input, input2, upper=False, *, out=None):
        lead, n = square(input2)
        others, rows, columns = matrix(input)
        need(rows == n, "{wanted:equations meet} {arrived:numbers}", wanted=n, arrived=rows)
        return (*broadcast_shapes(others, lead), rows, columns)


def _qr(a, mode):
    lead, rows, columns = matrix(a)
    inner = smallest(rows, columns)
    if mode == "complete":
        return [(*lead, rows, rows), (*lead, rows, columns)]
    return [(*lead, rows, inner) if mode == "reduced" else (0,), (*lead, inner, columns)]


@rule("torch.linalg.qr")
class QR(_Algebra):
    """An orthogonal matrix and a triangular one."""

    @staticmethod
    def shape(A, mode="reduced", *, out=None):
        return _qr(A, mode)


@rule("qr")
class OldQR(_Algebra):
    """An orthogonal matrix and a triangular one."""

    @staticmethod
    def shape(input, some=True, *, out=None):
        return _qr(input, "reduced" if some else "complete")


@rule("torch.linalg.svd")
class SVD(_Algebra):
    """Rotation, stretches, rotation."""

    @staticmethod
    def shape(A, full_matrices=True, *, driver=None, out=None):
        lead, rows, columns = matrix(A)
        inner = smallest(rows, columns)
        left, right = (rows, columns) if full_matrices else (inner, inner)
        return [(*lead, rows, left), Made((*lead, inner), real_of(A.dtype)), (*lead, right, columns)]


@rule("svd")
class OldSVD(_Algebra):
    """Rotation, stretches, rotation."""

    @staticmethod
    def shape(input, some=True, compute_uv=True, *, out=None):
        lead, rows, columns = matrix(input)
        inner = smallest(rows, columns)
        left, right = (inner, inner) if some and compute_uv else (rows, columns)
        return [(*lead, rows, left), Made((*lead, inner), real_of(input.dtype)), (*lead, columns, right)]


@rule("torch.linalg.svdvals")
class SingularValues(_Algebra):
    """The stretches of a matrix."""

    @staticmethod
    def shape(A, *, driver=None, out=None):
        lead, rows, columns = matrix(A)
        return Made((*lead, smallest(rows, columns)), real_of(A.dtype))


@rule("torch.linalg.eigh")
class SymmetricEigen(_Algebra):
    """Eigenvalues and eigenvectors of a symmetric matrix."""

    @staticmethod
    def shape(A, UPLO="L", *, out=None):
        lead, n = square(A)
        return [Made((*lead, n), real_of(A.dtype)), A.shape]


@rule("torch.linalg.eigvalsh")
class SymmetricEigenvalues(_Algebra):
    """Eigenvalues of a symmetric matrix."""

    @staticmethod
    def shape(A, UPLO="L", *, out=None):
        lead, n = square(A)
        return Made((*lead, n), real_of(A.dtype))


@rule("torch.linalg.eig")
class Eigen(_Algebra):
    """Eigenvalues and eigenvectors, complex."""

    @staticmethod
    def shape(A, *, out=None):
        lead, n = square(A)
        return [Made((*lead, n), complex_of(A.dtype)), Made(A.shape, complex_of(A.dtype))]


@rule("torch.linalg.eigvals")
class Eigenvalues(_Algebra):
    """Eigenvalues, complex."""

    @staticmethod
    def shape(A, *, out=None):
        lead, n = square(A)
        return Made((*lead, n), complex_of(A.dtype))


@rule("torch.linalg.matrix_rank")
class MatrixRank(_Algebra):
    """How many rows are independent."""

    @staticmethod
    def shape(A, tol=None, hermitian=False, *, atol=None, rtol=None, out=None):
        if any(hasattr(t, "shape") for t in (tol, atol, rtol)):
            raise Unexplained("a tolerance for each matrix")
        return Made(square(A)[0] if hermitian else matrix(A)[0], "int64")
