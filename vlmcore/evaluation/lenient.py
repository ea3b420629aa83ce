r"""Lenient reading: the part of a text that a person would take for the answer.

Chat models wrap answers in sentences, Markdown or a chain of thought, which the
official rules count as wrong. The rules named `…_lenient` in `RULES` apply the official
rule to what is read here. They give other numbers, so they have other names, and none
of them stands in for an official one.
"""

import re

_THOUGHT = re.compile(r"<(think|thinking|thought|reasoning)>.*?(</\1>|\Z)", re.S | re.I)
_END_OF_THOUGHT = re.compile(r".*</(think|thinking|thought|reasoning)>", re.S | re.I)
_MARKED = re.compile(r"<answer>(.*?)(?:</answer>|\Z)|\\boxed\{([^{}]*)\}", re.S | re.I)
_EMPHASIS = re.compile(r"\*+|`+|__")
_STATED = re.compile(
    r"\b(?:answer|option|choice)\b(?:\s+is\b\s*:?|\s*:)\s*(?:option\s+)?(\S[^\n]*)",
    re.I,
)
_LETTER = re.compile(r"\(?([A-E])\)?(?:[.:),]|\s*$)|\(?([a-e])\)?[.:)]*\s*$")
_YES_NO = re.compile(r"(yes|no)\b", re.I)


def final_answer(text: str) -> str:
    r"""Returns the answer in a text, without thoughts, tags, Markdown and quotes.

    Example:
        >>> texts = "<think>red? no</think>\n**Blue**", r"so \boxed{4}", "It is red"
        >>> [final_answer(text) for text in (*texts, "Answer: the 'cat'")]
        ['Blue', '4', 'It is red', "the 'cat'"]
    """
    text = _END_OF_THOUGHT.sub("", _THOUGHT.sub("", text))
    if marked := _MARKED.findall(text):
        text = "".join(marked[-1])
    text = _EMPHASIS.sub("", text).strip()
    if stated := _STATED.findall(text):
        text = stated[-1]
    return text.strip().strip("\"'\u201c\u201d").strip()


def final_letter(text: str) -> str:
    """Returns the letter of an option if the answer begins with it, else the answer.

    Example:
        >>> texts = "The answer is **B**", "(c)", "B) a dog", "A dog", "a dog"
        >>> [final_letter(text) for text in texts]
        ['B', 'C', 'B', 'A dog', 'a dog']
    """
    text = final_answer(text)
    found = _LETTER.match(text)
    return (found[1] or found[2]).upper() if found else text


def final_yes_no(text: str) -> str:
    """Returns yes or no if the answer begins with it, else the answer.

    Example:
        >>> [final_yes_no(text) for text in ("**No**, none.", "YES", "nope")]
        ['no', 'yes', 'nope']
    """
    text = final_answer(text)
    found = _YES_NO.match(text)
    return found[1].lower() if found else text
