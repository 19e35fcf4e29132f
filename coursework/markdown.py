"""MyST as the plain Markdown that every notebook shows: no roles, no directives; equations are quoted."""

import re
from functools import cache

from coursework.statements import ROOT, statement, text_of

PAGES = "https://rnnbook.github.io/rnnbook/book/"
ROLE = re.compile(r"\{(?P<role>[a-z]+(?::[a-z]+)?)\}`(?P<text>[^`]*)`")
EQUATION = re.compile(r"^\$\$\s*\n?(?P<tex>.*?)\$\$[ \t]*\((?P<label>[\w:-]+)\)", re.S | re.M)
DIRECTIVE = re.compile(r"^(:{3,}|`{3,}|~{3,})\{(?P<name>[\w:-]+)\}(?P<argument>.*)$", re.M)


def plain(chapter: str, body: str) -> str:
    """Return a statement's text in plain Markdown; ValueError for anything that has no plain form yet."""
    quoted: list[str] = []

    def replaced(match):
        return _plain_role(chapter, match["role"], match["text"], quoted)

    text = _plain_blocks(ROLE.sub(replaced, body))
    for label in quoted:
        text += f"\n\n$$\n{equation(chapter, label)} \\tag{{{quoted.index(label) + 1}}}\n$$"
    if DIRECTIVE.search(text) or ROLE.search(text):
        raise ValueError(f"this has no plain form yet: {text[:200]!r}")
    return text


def _plain_role(chapter, role, text, quoted):
    target = re.fullmatch(r"(?P<words>.*?)\s*<(?P<label>[^<>]+)>", text)
    words, label = (target["words"], target["label"]) if target else ("", text)
    match role:
        case "eq":
            quoted += [label] if label not in quoted else []
            return f"equation ({quoted.index(label) + 1})"
        case "numref":
            return f"[{words or 'the figure'}]({PAGES}{chapter}.html#{label})"
        case "ref" | "doc":
            place = f"{label}.html" if role == "doc" else f"{chapter}.html#{label}"
            return f"[{words or 'the book'}]({PAGES}{place})"
        case "term" | "abbr":
            return words or label
        case "math":
            return f"${text}$"
        case "cite:p" | "cite:t" | "cite":
            cited = [source(key.strip()) for key in text.split(",")]
            if role == "cite:t":
                return " and ".join(f"{who} ({year})" for who, year in cited)
            return f"({'; '.join(f'{who}, {year}' for who, year in cited)})"
    raise ValueError(f"the role {role!r} has no plain form yet: {text!r}")


def _plain_blocks(text):
    """Code blocks and admonitions without their directives."""
    text = re.sub(r"^```\{(?:code-block|code)\}[ \t]*(\w*)\n(?::\w+:.*\n)*\n?", r"```\1\n", text, flags=re.M)
    pattern = re.compile(
        r"^(:{3,})\{(note|tip|hint|important|admonition)\}[ \t]*([^\n]*)\n((?::\w+:[^\n]*\n)*)(.*?)^\1[ \t]*$",
        re.S | re.M,
    )
    text = pattern.sub(lambda m: f"**{m[3].strip() or m[2].capitalize()}** {m[5].strip()}\n", text)
    return re.sub(r"^\(([\w-]+)\)=\n", "", text, flags=re.M)


def equation(chapter: str, label: str) -> str:
    """Return the TeX of a labelled equation, from this chapter or another; ValueError if there is none."""
    places = [chapter, *sorted(p.stem for p in (ROOT / "book" / "text").glob("*.md") if p.stem != chapter)]
    for place in places:
        for match in EQUATION.finditer(text_of(place)):
            if match["label"] == label:
                return match["tex"].strip()
        block = re.search(
            rf"^```\{{math\}}\s*\n:label:[ \t]*{re.escape(label)}\n(.*?)^```", text_of(place), re.S | re.M
        )
        if block:
            return block[1].strip()
    raise ValueError(f"no chapter has the equation {label!r}")


@cache
def source(key: str) -> tuple[str, str]:
    """Return the authors and the year of an entry of references.bib, as they are cited."""
    text = (ROOT / "book" / "references.bib").read_text(encoding="utf-8")
    entry = re.search(rf"^@\w+\{{{re.escape(key)},(.*?)^\}}", text, re.S | re.M)
    if entry is None:
        raise ValueError(f"references.bib has no entry {key!r}")
    fields = dict(re.findall(r"^\s*(\w+)\s*=\s*[{\"](.*?)[}\"],?\s*$", entry[1], re.M))
    names = [_surname(author) for author in re.split(r"\s+and\s+", fields["author"])]
    who = names[0] if len(names) == 1 else f"{names[0]} and {names[1]}" if len(names) == 2 else f"{names[0]} et al."
    return who, fields["year"]


def _surname(author):
    name = author.split(",")[0] if "," in author else author.split()[-1]
    return re.sub(r"[{}\\\"'~^`]", "", name).strip()


def heading(name: str, points: float) -> str:
    """Return the title of an exercise with its points, and its kind, level and minutes if it has them."""
    found = statement(name)
    about = getattr(found.exercise, "about", None)
    line = f" · {about.line}" if about else ""
    return f"## {found.title}\n\n*{points:g} points{line}*"
