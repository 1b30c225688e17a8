"""Text that breaks receivers which paste, trim, split or re-encode it. Every one must arrive as it was sent."""

from typing import Final

__all__ = ["NUMBERS", "TEXTS"]

TEXTS: Final = {
    "quotes": """O'Brien said "yes" `now` \\ \\" \\' \\\\""",
    "lines": "first\nsecond\r\nthird\rfourth\ttabbed\n",
    "separators": "a=1&b=2&&c==3;d=4&id=other&event_type=9",
    "escapes": "100% + 5%25 %2B %zz %u00e5 &amp; \\u0041 \\x41 \\n",
    "spaces": "  two before, two after, \N{NO-BREAK SPACE}one that does not break  ",
    "nul": "before\0after",
    "controls": "\x01\x08\x1b[31mred\x1b[0m\x7f\x85",
    "surrogate": "half a pair: \ud83d and \udc4d",
    "emoji": "👍🏽 👩‍👩‍👧‍👦 🏴󠁧󠁢󠁷󠁬󠁳󠁿 🇸🇪",
    "right-to-left": "שלום \N{RIGHT-TO-LEFT OVERRIDE}gnp.exe\N{POP DIRECTIONAL FORMATTING} مرحبا",
    "combining": "a\u030a\u0308\u0323 \N{LATIN SMALL LETTER A WITH RING ABOVE} e\u0301" + "o" + "\u0336" * 40,
    "width": "\ufeffmark \u200bzero\u200b width\u2028line\u2029paragraph \uffff",
    "html": "<script>alert(1)</script> <img src=x onerror=alert(1)> <!-- ]]> </textarea>",
    "sql": "'; DROP TABLE deliveries; -- \" OR 1=1 /*",
    "template": "{id} {{7*7}} ${7*7} #{7*7} <%= 7*7 %> %s %n {0}",
    "shell": "$(id) `id` ; id | id && id > /dev/null",
    "path": "../../../etc/passwd\\..\\..\\boot.ini",
    "formula": '=HYPERLINK("https://www.example.com","open")',
    "header": "value\r\nX-Injected: yes\r\n\r\n<html>",
    "json": '{"append": "not an answer", "event_type": "2"} [1, null, true]',
    "envelope": "&payload=x&sign=y",
    "number": "0012345678901234567890",
    "nothing": "null None undefined NaN true false",
    "long": "å" * 1_000,
}

# What stands where a phone number is expected.
NUMBERS: Final = ("anonymous", "", "Unknown", "+46 (0)70-174 06 05", "0046701740605", "112", "+", "sip:a@b.example")
