"""Names that mean something to Markdown, to HTML, to a forge or to a runner."""

from hypothesis import strategies as st

from tests.render.test_hostile import FRAGMENTS

MEANT = (
    "</details>",
    "</summary>",
    "</code></pre>",
    "</script><script>alert(1)</script>",
    "</style>",
    "<img src=http://evil onerror=alert(1)>",
    '" onmouseover="alert(1)',
    "' autofocus onfocus='x",
    "<!-- x",
    "--> <b>",
    "@team",
    "#1",
    "closes #1",
    "GH-1",
    "a@b.co",
    "org/repo@0123456789abcdef",
    "deadbeef1",
    ":tada:",
    "[x](http://evil)",
    "![i](http://evil/i.png)",
    "[x]: http://evil",
    "<http://evil>",
    "http://evil",
    "www.evil.com",
    "evil.com",
    "&#64;team",
    "&lt;b&gt;",
    "`",
    "``",
    "````\n# forged",
    "~~~",
    "| a | b |\n|--|--|",
    "**bold**",
    "\\",
    "\n\n# No calls are due",
    "\n::add-mask::x",
    "##[command]x",
    "$$x$$",
    "$`x`$",
    " ",
)
FOREIGN = st.lists(
    st.sampled_from(MEANT + FRAGMENTS) | st.text(st.characters(exclude_categories=()), max_size=6),
    min_size=1,
    max_size=4,
).map("".join)
