"""A shared to-do list in Lakebase autoscaling."""

import streamlit as st

import store

st.set_page_config(page_title="To do", page_icon="🧱", layout="centered")
st.markdown(
    """
    <style>
      .block-container { max-width: 44rem; padding-top: 3rem; }
      [data-testid="stVerticalBlockBorderWrapper"] { border-radius: 0.9rem; }
      .meta { color: #6d7280; font-size: 0.85rem; margin-top: -0.6rem; }
    </style>
    """,
    unsafe_allow_html=True,
)

store.prepare()
visitor = st.context.headers.get("X-Forwarded-Email", "somebody")

st.title("To do")
st.caption(f"You are {visitor}")

with st.form("add", clear_on_submit=True, border=False):
    field, button = st.columns([5, 1], vertical_alignment="bottom")
    title = field.text_input("New to-do", placeholder="What is to be done?", label_visibility="collapsed")
    if button.form_submit_button("Add", type="primary", use_container_width=True) and title.strip():
        store.add(title.strip()[:200], visitor)

todos = store.todos()
done = sum(todo.done for todo in todos)
if todos:
    st.progress(done / len(todos), text=f"{done} of {len(todos)} done")

show = st.radio("Show", ["All", "Open", "Done"], horizontal=True, label_visibility="collapsed")
shown = [todo for todo in todos if show == "All" or todo.done == (show == "Done")]
if not shown:
    st.info("Nothing here. Enjoy the day, or add something above.")

for todo in shown:
    with st.container(border=True):
        check, text, remove = st.columns([0.6, 8, 1], vertical_alignment="center")
        check.checkbox(
            f"Done: {todo.title}",
            value=todo.done,
            key=f"done-{todo.id}-{todo.done}",
            label_visibility="collapsed",
            on_change=store.toggle,
            args=(todo.id, visitor),
        )
        text.text(todo.title)
        doer = f" · done by {todo.done_by}" if todo.done_by else ""
        text.caption(f"{todo.added_by} · {todo.added_at:%d %b, %H:%M}{doer}")
        remove.button("✕", key=f"delete-{todo.id}", help="Delete", on_click=store.delete, args=(todo.id,))
