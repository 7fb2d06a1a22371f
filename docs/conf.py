"""The documentation site: Sphinx reads the pages as they stand here.  `make docs` builds it.

No page, style or script of it is fetched from anywhere; a warning fails the build.
"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]

project = "Keyreeve"
author = "the authors of Keyreeve"
project_copyright = author
release = re.search(r'__version__ = "(.+)"', (ROOT / "src/keyreeve/__init__.py").read_text())[1]

extensions = ["myst_parser", "sphinx_copybutton"]
exclude_patterns: list[str] = []
nitpicky = True
show_warning_types = True

# Headings are linked to as GitHub does it, so that the pages hold there too.
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]
# Options are typed as they stand: no typographic dashes and quotes.
smartquotes = False

html_theme = "furo"
html_title = f"Keyreeve {release}"
html_static_path = ["_static"]
html_css_files = ["keyreeve.css"]
html_js_files = ["keyreeve.js"]
html_show_sphinx = False
html_use_index = False
html_copy_source = False
html_show_sourcelink = False
html_last_updated_fmt = None
# Navy, as the mails and the report are.
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#1f3a5f",
        "color-brand-content": "#24558c",
    },
    "dark_css_variables": {
        "color-brand-primary": "#9dc1ee",
        "color-brand-content": "#8ab4e8",
    },
}
pygments_style = "a11y-light"
pygments_dark_style = "a11y-dark"

# Prompts and what is printed are not copied.
copybutton_prompt_text = r"\$ |>>> "
copybutton_prompt_is_regexp = True
copybutton_line_continuation_character = "\\"
copybutton_selector = "div.highlight-console pre"
