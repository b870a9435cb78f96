"""The demo: what it seeds (`seeding`), what moves it, and the tour through it."""
