"""Picture files: the writer is chosen by the file's ending, and nothing is written through a link."""

from __future__ import annotations

import re
from pathlib import Path

from whyshape.errors import WhyshapeError
from whyshape.story.scene import Scene


def scene_bytes(scene: Scene, ending: str) -> bytes:
    """The picture as a file of that kind: svg, tex, pdf or png."""
    from whyshape.writers import pdf, png, svg, tikz

    match ending:
        case "svg":
            return svg.write(scene).encode()
        case "tex":
            return tikz.write(scene).encode()
        case "pdf":
            return pdf.write(scene)
        case "png":
            return png.write(scene)
    raise WhyshapeError(f"a figure is written as .svg, .pdf, .png or .tex, not as .{ending}")


def snippet(scene: Scene, path: str) -> str:
    """The lines that put the file into a LaTeX document, with a caption; empty for a file LaTeX does not take.

    >>> print(snippet(Scene(9, 9, "net", "1x8x8 -> 10", ()), "net.pdf"))
    \\begin{figure}
      \\centering
      \\includegraphics{net.pdf}
      \\caption{net. 1x8x8 -\\textgreater{} 10}
      \\label{fig:net}
    \\end{figure}
    """
    from whyshape.writers.tikz import escaped

    kind, name = ending(path), Path(path).as_posix()
    if kind not in ("pdf", "png", "tex") or not re.fullmatch(r"[\w./+-]+", name, re.ASCII):
        return ""
    shown = f"\\input{{{name}}}  % needs \\usepackage{{tikz}}" if kind == "tex" else f"\\includegraphics{{{name}}}"
    label = re.sub(r"\W+", "-", Path(path).stem)
    caption = escaped(f"{scene.title}. {scene.words}")
    lines = ("\\centering", shown, f"\\caption{{{caption}}}", f"\\label{{fig:{label}}}")
    return "\n".join(["\\begin{figure}", *(f"  {line}" for line in lines), "\\end{figure}"])


def film_bytes(film, ending: str) -> bytes:
    """The animation as a file of that kind: svg, gif or mp4; a pdf holds its first place."""
    from whyshape.writers import film as films

    match ending:
        case "svg":
            return films.svg_film(film).encode()
        case "gif":
            return films.gif(film)
        case "mp4":
            return films.mp4(film)
    raise WhyshapeError(f"an animation is written as .svg, .gif or .mp4, not as .{ending}")


def ending(path: str) -> str:
    """The kind of a file, by its name."""
    return named(path).suffix[1:].lower()


def named(path: str | Path) -> Path:
    """The file of that name. Raises `WhyshapeError` for what is no name."""
    try:
        return Path(path)
    except TypeError:
        raise WhyshapeError(f"the name of a file is wanted, as 'net.html'; something of type {type(path).__name__} arrived") from None


def put(path: str | Path, content: bytes) -> None:
    """Write a file; a link is refused, so that nothing else is overwritten through it."""
    path = named(path)
    if path.is_symlink():
        raise WhyshapeError(f"{path} is a link; name the file itself")
    try:
        path.write_bytes(content)
    except OSError as error:
        raise WhyshapeError(f"{path} cannot be written: {error.strerror}") from None


def stale(path: str, content: bytes) -> bool:
    """Whether the file there differs from what the model gives now. Raises `WhyshapeError` if there is none."""
    try:
        return Path(path).read_bytes() != content
    except OSError as error:
        raise WhyshapeError(f"{path} cannot be read: {error.strerror}") from None
