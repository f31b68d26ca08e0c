"""A walk as a file that moves: SVG with CSS steps for pages, GIF and MP4 for slides, single pages for LaTeX."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from io import BytesIO
from pathlib import Path

from whyshape.errors import WhyshapeError
from whyshape.story.scene import PAUSE
from whyshape.writers import svg
from whyshape.writers.png import image
from whyshape.writers.svg import INKS, number

STILL = 1.0  # seconds the first place is held


def svg_film(film) -> str:
    """The SVG: the window steps through the shown places for ever; who asks for less motion sees first and last place, standing still."""
    if not film.even:
        return _one_by_one(film)
    columns, rows = film.moves
    first = (film.rows[0], film.columns[0])
    turn = len(columns) * PAUSE
    times = {"wx": turn, "mx": turn, "wy": turn * len(rows), "my": turn * len(rows)}
    style = (
        _steps("wx", [w for w, _ in columns], "X") + _steps("mx", [m for _, m in columns], "X")
        + _steps("wy", [w for w, _ in rows], "Y") + _steps("my", [m for _, m in rows], "Y")
        + "".join(f".{name}{{animation:{name} {number(time)}s {number(STILL)}s infinite}}" for name, time in times.items())
        + ".end{visibility:hidden}"
        + "@media(prefers-reduced-motion:reduce){.wx,.mx,.wy,.my{animation:none}.end{visibility:visible}}"
    )  # fmt: skip
    group = lambda name, marks: f'<g class="{name}y"><g class="{name}x">{svg.drawn(marks)}</g></g>\n'
    moves = _end(film) + group("w", film.window(*first)) + group("m", film.made(*first))
    return svg.write(film.still, moves, style)


def _end(film) -> str:
    """The last place, seen only where nothing moves."""
    last = (film.rows[-1], film.columns[-1])
    return f'<g class="end">{svg.drawn([m._replace(fill="next") for m in (*film.window(*last), *film.made(*last)) if m.edge])}</g>\n'


def _one_by_one(film) -> str:
    """Windows that differ in size cannot be one that moves: each place is drawn, and shown in its turn."""
    places = [(row, column) for row in film.rows for column in film.columns]
    turn = len(places) * PAUSE
    style = (
        f"@keyframes f{{0%{{visibility:visible}}{number(100 / len(places))}%{{visibility:hidden}}}}"
        + f".f{{visibility:hidden;animation:f {number(turn)}s step-end infinite}}.end{{visibility:hidden}}"
        + "@media(prefers-reduced-motion:reduce){.f{animation:none}.end,.f:first-of-type{visibility:visible}}"
    )
    shown = "".join(
        f'<g class="f" style="animation-delay:{number(i * PAUSE - turn)}s">{svg.drawn([*film.window(*place), *film.made(*place)])}</g>\n'
        for i, place in enumerate(places)
    )
    return svg.write(film.still, f"<g>{shown}</g>\n{_end(film)}", style)


def _steps(name: str, places: list[float], axis: str) -> str:
    """Keyframes that jump from place to place; equal strides become one line."""
    n = len(places)
    stride = places[1] - places[0] if n > 1 else 0.0
    if all(abs(p - i * stride) < 1e-6 for i, p in enumerate(places)):
        begin, end = f"transform:none;animation-timing-function:steps({n})", f"transform:translate{axis}({number(n * stride)}px)"
        return f"@keyframes {name}{{from{{{begin}}}to{{{end}}}}}"
    jumps = "".join(
        f"{number(100 * i / n)}%{{transform:translate{axis}({number(p)}px);animation-timing-function:step-end}}"
        for i, p in enumerate(places)
    )
    return f"@keyframes {name}{{{jumps}}}"


def gif(film, dpi: float = 110) -> bytes:
    """The GIF: a small palette, only what changed from frame to frame, repeated for ever."""
    frames = _palette([image(scene, dpi) for scene in film.frames])
    held = BytesIO()
    pauses = [round(1000 * STILL), *[round(1000 * PAUSE)] * (len(frames) - 1)]
    frames[0].save(held, "GIF", save_all=True, append_images=frames[1:], duration=pauses[: len(frames)], loop=0, optimize=False, disposal=1)
    return held.getvalue()


def _palette(frames):
    from PIL import Image

    inks = [tuple(int(ink[i : i + 2], 16) for i in (1, 3, 5)) for ink in INKS.values()]
    greys = [(n, n, n) for n in range(0, 256, 17)]
    mixed = [tuple((a + b) // 2 for a, b in zip(one, other)) for i, one in enumerate(inks) for other in inks[i + 1 :]]
    table = list(dict.fromkeys([*inks, *greys, *mixed]))[:256]
    palette = Image.new("P", (1, 1))
    palette.putpalette([n for colour in table for n in colour])
    return [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]


def mp4(film, dpi: float = 150) -> bytes:
    """The MP4, made by ffmpeg: the one that is installed, else the one the package imageio-ffmpeg brings along."""
    program = _ffmpeg()
    if program is None:
        raise WhyshapeError("MP4 needs the program ffmpeg (or pip install imageio-ffmpeg), which is not installed; write a .gif instead")
    held = [film.frames[0]] * round(STILL / PAUSE - 1)  # the first place is held, as in the GIF
    with tempfile.TemporaryDirectory() as folder:
        for i, scene in enumerate([*held, *film.frames]):
            image(scene, dpi).save(Path(folder) / f"{i:05d}.png")
        out = Path(folder) / "film.mp4"
        even = "pad=ceil(iw/2)*2:ceil(ih/2)*2:color=white"
        reads = [program, "-loglevel", "error", "-framerate", f"{1 / PAUSE:.4f}", "-i", f"{folder}/%05d.png"]
        done = subprocess.run([*reads, "-vf", even, "-pix_fmt", "yuv420p", "-bitexact", str(out)], capture_output=True, text=True)
        if done.returncode:
            said = done.stderr.strip().splitlines()
            raise WhyshapeError(f"ffmpeg could not make the film: {said[-1] if said else 'no reason given'}")
        return out.read_bytes()


def _ffmpeg() -> str | None:
    found = shutil.which("ffmpeg")
    if found is None:
        try:
            from imageio_ffmpeg import get_ffmpeg_exe

            found = get_ffmpeg_exe()
        except (ImportError, RuntimeError):  # RuntimeError: the package is there, its program is not
            return None
    return found
