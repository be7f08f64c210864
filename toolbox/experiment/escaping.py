"""Names as Markdown and LaTeX show them: as they are, whatever characters are in them."""

import re
import unicodedata

_MARKDOWN = re.compile(r'([\\`*_\[\]#|~$])')
_LATEX = {
    '\\': r'\textbackslash{}',
    '{': r'\{',
    '}': r'\}',
    '$': r'\$',
    '&': r'\&',
    '#': r'\#',
    '%': r'\%',
    '_': r'\_',
    '^': r'\textasciicircum{}',
    '~': r'\textasciitilde{}',
    '<': r'\textless{}',
    '>': r'\textgreater{}',
    '|': r'\textbar{}',
    '"': r"{''}",
    '`': r'\textasciigrave{}',
    '-': r'{-}',  # two of them in a row would become a dash
    '[': '{[}',  # behind a line's end it would be read as its option
    '±': r'$\pm$',
    '\u00d7': r'$\times$',
    '\u2212': '$-$',
    '→': r'$\rightarrow$',
    '…': r'\ldots{}',
}
# LaTeX sets letters with these accents in any font encoding (grave, acute, circumflex, tilde, umlaut, ring, caron,
# cedilla), and the letters below them.
_ACCENTS = '\u0300\u0301\u0302\u0303\u0308\u030a\u030c\u0327'
_LETTERS = 'ßæœøåłÆŒØÅŁ'
_END = '\u0180'  # of the letters that it knows by default


def one_line(text: str) -> str:
    """Any white space as one space."""
    return ' '.join(text.split())


def terminal(text: str) -> str:
    """Text for a line of a terminal, without the control characters that it would obey."""
    return ''.join('?' if unicodedata.category(letter) == 'Cc' else letter for letter in one_line(text))


def markdown(text: str) -> str:
    """Text for a cell of a table, or a line."""
    text = one_line(text).replace('&', '&amp;').replace('<', '&lt;').replace('>', '&gt;')
    return _MARKDOWN.sub(r'\\\1', text)


def latex(text: str) -> str:
    """Text for any LaTeX, pdfLaTeX without packages included: letters that it cannot set become `U+4E2D`."""
    return ''.join(_LATEX.get(character) or _settable(character) for character in one_line(text))


def latex_numbers(text: str) -> str:
    """Numbers that this program formats: signs and comparisons set as mathematics."""
    text = re.sub(r'[+-][\d.]+', r'$\g<0>$', text)
    return text.replace('\u00b1', r'$\pm$').replace('<', '$<$')


def _settable(character: str) -> str:
    if character.isascii():
        return character if character.isprintable() else f'U+{ord(character):04X}'
    base, *accents = unicodedata.normalize('NFD', character)
    accented = character < _END and len(accents) == 1 and base.isalpha() and accents[0] in _ACCENTS
    return character if accented or character in _LETTERS else f'U+{ord(character):04X}'
