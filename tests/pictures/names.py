"""A hundred names a stranger might give a layer. torch takes any that holds no dot."""

HTML = ["<img src=x onerror=alert(1)>", "<script>alert(1)</script>", "</script><script>alert(1)</script>", "<!--", "-->", "<!--<script>", "]]>",
        "<svg onload=alert(1)>", "<iframe srcdoc='<script>alert(1)</script>'>", "<style>*{display:none}</style>", "</title><script>alert(1)</script>",
        "</desc></svg><script>alert(1)</script>", "<a href='javascript:alert(1)'>x</a>", "<base href=//evil>", "<meta http-equiv=refresh content=0>",
        "<form action=//evil><button>", "<input autofocus onfocus=alert(1)>", "<details open ontoggle=alert(1)>", "<object data=x>", "<embed src=x>",
        "<math><mtext><script>alert(1)</script>", "<template><script>alert(1)</script></template>", "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
        "</noscript><img src=x onerror=alert(1)>", "</pre><b>", "</td></tr></table><h1>", "</summary></details><h1>", "<foreignObject><body onload=alert(1)>",
        "<animate onbegin=alert(1)>", "<use href='data:image/svg+xml,x'>", "<link rel=stylesheet href=//evil>", "<video><source onerror=alert(1)>",
        "<body onload=alert(1)>", "<plaintext>", "<xmp>", "<textarea>", "<select><option>", "<table background=x>", "<?xml version='1'?>", "<!DOCTYPE x [<!ENTITY y 'z'>]>&y;"]  # fmt: skip
QUOTES = ["'", '"', "`", "\\", "\\\"", "' onmouseover='alert(1)", '" onmouseover="alert(1)', "\" autofocus onfocus=alert(1) x=\"", "${alert(1)}", "{{7*7}}",
          "{arrived}", "{", "}", "{0}", "{wanted!r}", "%s", "%", "&", "&lt;script&gt;", "&#60;script&#62;", "&amp;", ";", "javascript:alert(1)", "#", "?x=1&y=2",
          "url(//evil)", "expression(alert(1))", "@import '//evil'", "</style><script>alert(1)</script>", "*/alert(1)/*"]  # fmt: skip
MARKS = [
    "\\input{/etc/passwd}",
    "\\write18{id}",
    "$x^2$",
    "\\end{tikzpicture}",
    "}\\def\\x{",
    "| a | b |",
    "[x](javascript:alert(1))",
    "**bold**",
    "# heading",
    "```",
]
HIDDEN = ["\x00", "\x07bell", "\x1b[31mred", "\x1b]0;title\x07", "\r", "\n", "line\nline", "\t", "\x85", "\x9b31m", "\u202econv", "\u2066conv", "\u2069", "\u200b",
          "\u200f", "\u2028", "\u2029", "\ufeff", "\x7f", "\ud800"]  # fmt: skip
NAMES = [*HTML, *QUOTES, *MARKS, *HIDDEN]
assert len(NAMES) == len(set(NAMES)) == 100, len(NAMES)
