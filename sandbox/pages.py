"""The frame of hosted pages in plain HTML: one column, no script, no foreign asset."""

from html import escape

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none';"
    " frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:26rem;margin:2rem auto;padding:0 1rem}"
    "h1{font-size:1.6rem;margin:0}p{margin:.5rem 0}fieldset{margin:1rem 0;padding:.5rem 1rem}"
    "label{display:block;margin:.4rem 0}input[type=text],input[type=email]{width:100%;"
    "box-sizing:border-box;font:inherit;padding:.4rem}"
    "button{font:inherit;padding:.5rem 1rem;margin:0 .5rem .5rem 0}"
    ".error{border-left:4px solid #c00;padding-left:.6rem}.quiet{opacity:.75}"
)


def document(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main>{body}</main></body></html>"
    )
