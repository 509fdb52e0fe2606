"""Opens a new app's pages in a browser, as a desktop and as a phone, light and dark, and asks every page something."""

import pathlib
import sys

from playwright.sync_api import sync_playwright

url, chromium, framework, parts, pictures = sys.argv[1:]
parts = parts.split(",")
quiet = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
quiet += ["--disable-component-update", "--disable-sync"]
# The words of a tab, what to do there, and what has to come.
TABS = {
    "warehouse": ("Trips", None, ["21,932", "Busiest hour"]),
    "lakebase": ("Notes", None, ["Welcome: this line comes from seed/notes.sql"]),
    "sdk": ("Workspace", None, ["ada@example.com"]),
    "serving": ("Chat", "chat", ["You asked: How many bricks?"]),
    "functions": ("Function", "greet", ["Hello, Ada"]),
}


def chat(page):
    """Asks the model."""
    field = page.get_by_placeholder("Type a message..." if framework == "gradio" else "Ask something").last
    field.fill("How many bricks?")
    field.press("Enter")
    ask = page.get_by_role("button", name="Ask", exact=True)
    if framework == "dash":
        ask.click()


def greet(page):
    """Calls the function; it may have been called already."""
    call = page.get_by_role("button", name="Call", exact=True)
    if call.count():
        call.click()


def fit(page, what):
    """A page that scrolls sideways is one nobody shows."""
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0, f"{what}: {wide} pixels too wide"


def look(page, desktop):
    for part in parts:
        tab, act, texts = TABS[part]
        button = page.get_by_role("tab", name=tab, exact=True)
        if button.count():
            button.first.click()
        if act == "chat" and not desktop:
            continue  # asked once
        if act:
            {"chat": chat, "greet": greet}[act](page)
        for text in texts:
            page.get_by_text(text).locator("visible=true").first.wait_for()
        fit(page, f"{part}, {'desktop' if desktop else 'phone'}")


def shoot(page, name):
    if pictures != "-":
        page.screenshot(path=pathlib.Path(pictures) / f"{framework}-{name}.png", full_page=True)


with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=chromium, args=quiet)
    for width, height, size in ((1280, 900, "desktop"), (390, 844, "phone")):
        for scheme in ("light", "dark"):
            context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
            page = context.new_page()
            page.set_default_timeout(180_000)
            wrong = []
            page.on("pageerror", lambda error, wrong=wrong: wrong.append(str(error)))
            page.on(
                "console",
                lambda message, wrong=wrong: wrong.append(f"{message.text} {message.location}")
                # Style sheets of others may be out of reach of the machine that runs this.
                if message.type == "error" and message.location.get("url", "").startswith(url)
                else None,
            )
            page.goto(url + "/")
            first = TABS[parts[0]]
            page.get_by_text("Ada Lovelace").locator("visible=true").first.wait_for()
            if first[1] is None:
                for text in first[2]:
                    page.get_by_text(text).locator("visible=true").first.wait_for()
            page.get_by_text("Running...").first.wait_for(state="hidden")  # Streamlit at work
            page.wait_for_timeout(500)  # the chart grows
            shoot(page, f"{size}-{scheme}")
            if scheme == "light":
                look(page, size == "desktop")
                if len(parts) > 1:
                    shoot(page, f"{size}-last")
            fit(page, size)
            assert not wrong, wrong
            dark = page.evaluate(
                "(() => { let e = document.body; const see = (e) => getComputedStyle(e).backgroundColor;"
                " while (e && /, 0\\)$/.test(see(e))) e = e.parentElement;"
                " const at = document.elementFromPoint(5, innerHeight - 5); let f = at;"
                " while (f && /, 0\\)$/.test(see(f))) f = f.parentElement; return see(f || e); })()"
            )
            red = int(dark.split("(")[1].split(",")[0])
            assert (red < 100) == (scheme == "dark"), f"{scheme}: background {dark}"
            context.close()
    browser.close()
print("done")
