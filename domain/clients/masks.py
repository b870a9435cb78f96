"""What is left of personal data for whoever may not see it: enough to tell two clients apart."""


def mask_name(name: str) -> str:
    """The first letter of each word: `A••• L•••`."""
    return " ".join(f"{word[0]}•••" for word in name.split())


def mask_email(email: str) -> str:
    """The first letter: `a•••@•••`. A domain can be as personal as a name."""
    return f"{email[:1]}•••@•••"


def mask_phone(phone: str) -> str:
    """The last two digits: `•••56`."""
    return f"•••{phone[-2:]}"


def mask_tags(_tags: list[str]) -> list[str]:
    """None: what staff calls a client is staff's."""
    return []
