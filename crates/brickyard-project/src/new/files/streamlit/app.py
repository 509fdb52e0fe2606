"""{{title}}."""
%%if mock

import os
%%end

import streamlit as st

from backend import Backend, BackendError, user_of
%%if mock
from backend_mock import MockBackend
%%end

st.set_page_config(page_title="{{title}}", page_icon=":material/dashboard:", layout="wide")
# Streamlit leaves a hand's breadth free above the title.
st.markdown("<style>.block-container { padding-top: 2.5rem; }</style>", unsafe_allow_html=True)


@st.cache_resource
def get_backend() -> Backend:
    """One for all visitors and reruns: its connections are kept, and made anew when they have died."""
%%if mock
    return MockBackend() if os.environ.get("USE_MOCK_BACKEND") == "true" else Backend()
%%else
    return Backend()
%%end


backend = get_backend()

%%if user|both

def user_token() -> str | None:
    """The user's own token, fresh for this run of the script; missing where user authorization is off."""
    return st.context.headers.get("X-Forwarded-Access-Token")


%%end
headers = st.context.headers
user = user_of(headers.get("X-Forwarded-Email"), headers.get("X-Forwarded-Preferred-Username"))
%%if user
token = user_token()
if token is None:
    st.error("This app acts as you, and user authorization is switched off in this workspace.")
    st.stop()
%%end
%%if both
token = user_token()
%%end
%%if app
token = None
%%end

st.title("{{title}}")
st.caption(f"Signed in as **{user.name}**")
%%if warehouse


@st.cache_data(ttl=60, show_spinner="Asking the warehouse …")
def load_trips(user_token: str | None) -> tuple:
    """The page's data; the token is part of the key, so that users never share an entry."""
    return (
        backend.trip_summary(user_token),
        backend.trips_by_hour(user_token),
        backend.recent_trips(token=user_token),
    )


def trips_page() -> None:
    """Numbers, a chart and the newest rows."""
    summary, hours, trips = load_trips(token)
    columns = st.columns(4)
    columns[0].container(border=True).metric("Trips", f"{summary.trips:,}")
    columns[1].container(border=True).metric("Average fare", f"${summary.average_fare:.2f}")
    columns[2].container(border=True).metric("Average distance", f"{summary.average_distance:.1f} mi")
    columns[3].container(border=True).metric("Busiest hour", f"{summary.busiest_hour}:00")
    chart, table = st.columns([3, 2], gap="large")
    with chart:
        st.subheader("Trips by hour")
        st.bar_chart(
            [{"Hour": f"{entry.hour:02}", "Trips": entry.trips} for entry in hours],
            x="Hour",
            y="Trips",
            height=388,
        )
    with table:
        st.subheader("Newest trips")
        st.dataframe(
            [trip.model_dump() for trip in trips],
            hide_index=True,
            use_container_width=True,
            height=388,  # ten rows and the head
            column_config={
                "pickup": "Pickup",
                "pickup_zip": st.column_config.NumberColumn("From", format="%d"),
                "dropoff_zip": st.column_config.NumberColumn("To", format="%d"),
                "distance": st.column_config.NumberColumn("Miles", format="%.1f"),
                "fare": st.column_config.NumberColumn("Fare", format="$%.2f"),
            },
        )
%%end
%%if lakebase


def notes_page() -> None:
    """Notes of everybody, kept in Postgres."""
    with st.form("note", clear_on_submit=True, border=False):
        left, right = st.columns([5, 1], vertical_alignment="bottom")
        text = left.text_input("New note", placeholder="Write something for everybody")
        if right.form_submit_button("Add", use_container_width=True, type="primary"):
            try:
                backend.add_note(text, user.name)
            except BackendError as error:
                st.warning(str(error))
    for note in backend.notes():
        with st.container(border=True):
            st.markdown(note.text)
            st.caption(f"{note.author} · {note.created}")
%%end
%%if sdk


def workspace_page() -> None:
    """What the SDK tells."""
    overview = backend.overview(token)
    left, right = st.columns(2)
    left.metric("Identity", overview.identity)
    right.metric("Warehouses", len(overview.warehouses))
    st.dataframe(
        [warehouse.model_dump() for warehouse in overview.warehouses], hide_index=True, use_container_width=True
    )
%%end
%%if serving


def chat_page() -> None:
    """A conversation with the model."""
    history = st.session_state.setdefault("history", [])
    for role, text in history:
        st.chat_message(role).write(text)
    if question := st.chat_input("Ask something"):
        st.chat_message("user").write(question)
        try:
            answer = backend.ask(question, token)
        except Exception as error:
            st.error(f"The model does not answer: {error}")
            return
        st.chat_message("assistant").write(answer)
        history += [("user", question), ("assistant", answer)]
%%end
%%if functions


def function_page() -> None:
    """A function of the catalog, called through the warehouse."""
    name = st.text_input("Your name", value=user.name)
    if name:
        st.success(backend.greet(name, token), icon=":material/waving_hand:")
%%end


pages = {
%%if warehouse
    "Trips": trips_page,
%%end
%%if lakebase
    "Notes": notes_page,
%%end
%%if sdk
    "Workspace": workspace_page,
%%end
%%if serving
    "Chat": chat_page,
%%end
%%if functions
    "Function": function_page,
%%end
}
for tab, page in zip(st.tabs(list(pages)), pages.values(), strict=True):
    with tab:
        try:
            page()
        except BackendError as error:
            st.error(str(error))
