"""Matrices taken apart, and solving with the parts: LU, Householder, tensors seen as matrices."""

from __future__ import annotations

from whyshape.rules.base import Made, Rule, broadcast_shapes, rule
from whyshape.rules.dtypes import one_dtype, real_of
from whyshape.rules.index import whole_places
from whyshape.rules.linalg import Solve, matrix, square
from whyshape.sizes import need, product, smallest


class _Factors(Rule):
    title = "linear algebra"


@rule("torch.linalg.inv_ex")
class InverseChecked(_Factors):
    """The inverse, and for each matrix a number that says whether it has one."""

    @staticmethod
    def shape(A, *, check_errors=False, out=None):
        lead, _ = square(A)
        return [A.shape, Made(lead, "int32")]


@rule("torch.linalg.cholesky_ex")
class CholeskyChecked(_Factors):
    """The Cholesky factor, and for each matrix a number that says whether it has one."""

    @staticmethod
    def shape(A, *, upper=False, check_errors=False, out=None):
        return InverseChecked.shape(A)


@rule("torch.linalg.solve_ex")
class SolveChecked(_Factors):
    """``x`` with ``A @ x == B``, and for each matrix a number that says whether there is one."""

    @staticmethod
    def shape(A, B, *, left=True, check_errors=False, out=None):
        return [Solve.shape(A, B, left=left), Made(square(A)[0], "int32")]


@rule("torch.linalg.lu_factor")
class LUFactor(_Factors):
    """Both triangles in one matrix, and which rows were exchanged."""

    @staticmethod
    def shape(A, *, pivot=True, out=None):
        lead, rows, columns = matrix(A)
        return [A.shape, Made((*lead, smallest(rows, columns)), "int32")]


@rule("torch.linalg.lu_factor_ex")
class LUFactorChecked(_Factors):
    """The same, and for each matrix a number that says whether it went well."""

    @staticmethod
    def shape(A, *, pivot=True, check_errors=False, out=None):
        return [*LUFactor.shape(A), Made(matrix(A)[0], "int32")]


@rule("torch.linalg.lu")
class LU(_Factors):
    """The order of the rows, the lower triangle, the upper one."""

    @staticmethod
    def shape(A, *, pivot=True, out=None):
        lead, rows, columns = matrix(A)
        inner = smallest(rows, columns)
        return [(*lead, rows, rows) if pivot else (0,), (*lead, rows, inner), (*lead, inner, columns)]


@rule("torch.linalg.lu_solve")
class LUSolve(_Factors):
    """The solution from both triangles."""

    @staticmethod
    def shape(LU, pivots, B, *, left=True, adjoint=False, out=None):
        lead, n = square(LU)
        one_dtype(B, LU)
        whole_places(pivots, ("int32",))
        others, rows, columns = matrix(B)
        need((rows if left else columns) == n, "{wanted:equations meet} {arrived:numbers}", wanted=n, arrived=rows if left else columns)
        for got, wanted in zip((len(pivots.shape), *pivots.shape), (len(lead) + 1, *lead, n)):
            need(got == wanted, "{wanted:exchanges are} wanted, {arrived:arrive}", wanted=wanted, arrived=got)
        return (*broadcast_shapes(lead, others), rows, columns)


@rule("torch.linalg.householder_product")
class HouseholderProduct(_Factors):
    """The first columns of a product of reflections."""

    @staticmethod
    def shape(input, tau, *, out=None):
        lead, rows, columns = matrix(input)
        need(rows >= columns, "as many rows as columns or more are wanted: {wanted}, {arrived:arrive}", wanted=columns, arrived=rows)
        need(len(tau.shape) == len(lead) + 1, "factors of {wanted:axes} are wanted, {arrived:arrive}",
             wanted=len(lead) + 1, arrived=len(tau.shape))  # fmt: skip
        need(tau.shape[-1] <= columns, "at most {wanted:factors are} wanted, {arrived:arrive}", wanted=columns, arrived=tau.shape[-1])
        for n, m in zip(lead, tau.shape):
            need(n == m, "{wanted:matrices meet} {arrived:rows} of factors", wanted=n, arrived=m)
        return input.shape


@rule("geqrf")
class ReflectionsOf(_Factors):
    """The reflections of a QR decomposition in one matrix, and their factors."""

    @staticmethod
    def shape(input, *, out=None):
        lead, rows, columns = matrix(input)
        return [input.shape, (*lead, smallest(rows, columns))]


@rule("torch.linalg.cond")
class Condition(_Factors):
    """How much solving with a matrix magnifies errors: one number for each."""

    @staticmethod
    def shape(A, p=None, *, out=None):
        lead = matrix(A)[0] if p in (None, 2, -2) else square(A)[0]
        return Made(lead, real_of(A.dtype))


@rule("torch.linalg.tensorinv")
class TensorInverse(_Factors):
    """The inverse of a tensor seen as a matrix: its first ``ind`` axes against the others."""

    @staticmethod
    def shape(A, ind=2, *, out=None):
        x = A.shape
        need(ind > 0, "ind must be at least {wanted}, {arrived} was chosen", wanted=1, arrived=ind)
        rows, columns = product(x[:ind]), product(x[ind:])
        need(rows == columns, "{arrived:rows meet} {wanted:columns}", arrived=rows, wanted=columns)
        return (*x[ind:], *x[:ind])
