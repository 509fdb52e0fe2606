// Follow the light or dark setting of the browser.
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.setAttribute("data-bs-theme", dark.matches ? "dark" : "light");
dark.addEventListener("change", follow);
follow();
document.fonts.load("1em bootstrap-icons").then((found) => {
    document.documentElement.classList.toggle("icons", found.length > 0);
});
