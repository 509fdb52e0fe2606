"""New York taxi trips: what a Streamlit app on Databricks looks like.

The figures are read as the app's own service principal and cached for everybody. Who you are is asked as yourself,
with the token the platform forwards, and cached for you alone.
"""

import altair as alt
import pandas as pd
import streamlit as st

from warehouse import rows

st.set_page_config(page_title="Taxi trips", page_icon="🚕", layout="wide")

SUMMARY = """
    SELECT count(*) AS trips,
           round(sum(fare_amount), 2) AS fares,
           round(avg(trip_distance), 2) AS miles
    FROM samples.nyctaxi.trips
    WHERE trip_distance >= :least
"""

BY_HOUR = """
    SELECT hour(tpep_pickup_datetime) AS hour,
           count(*) AS trips,
           round(avg(fare_amount), 2) AS fare
    FROM samples.nyctaxi.trips
    WHERE trip_distance >= :least
    GROUP BY hour(tpep_pickup_datetime)
    ORDER BY hour
"""

BUSIEST = """
    SELECT pickup_zip AS zip,
           count(*) AS trips,
           round(avg(fare_amount), 2) AS fare,
           round(avg(trip_distance), 2) AS miles
    FROM samples.nyctaxi.trips
    WHERE trip_distance >= :least
    GROUP BY pickup_zip
    ORDER BY trips DESC, zip
    LIMIT 15
"""


@st.cache_data(ttl=300, show_spinner="Asking the warehouse …")
def trips(statement, least):
    """Figures are the same for every visitor: the app asks for them, once in five minutes."""
    return pd.DataFrame(rows(statement, {"least": least}))


@st.cache_data(ttl=300)
def app_principal():
    return rows("SELECT current_user() AS name")[0]["name"]


def signed_in_user():
    """Never cached across visitors: the answer belongs to the token."""
    token = st.context.headers.get("X-Forwarded-Access-Token")
    if not token:
        return None
    known = st.session_state.get("signed_in")
    if not known or known[0] != token:
        known = (token, rows("SELECT current_user() AS name", user_token=token)[0]["name"])
        st.session_state["signed_in"] = known
    return known[1]


with st.sidebar:
    st.header("Who asks?")
    user = signed_in_user()
    if user:
        st.markdown(f"You are  \n**{user}**")
    else:
        st.info("No user token was forwarded: user authorization is off for this app.")
    st.markdown(f"The app is  \n`{app_principal()}`")
    st.divider()
    least = st.slider("Trips of at least … miles", 0.0, 10.0, 0.0, 0.5)

st.title("New York taxi trips")

summary = trips(SUMMARY, least).iloc[0]
left, middle, right = st.columns(3)
left.metric("Trips", f"{int(summary['trips']):,}")
middle.metric("Fares", f"${float(summary['fares'] or 0):,.0f}")
right.metric("Average distance", f"{float(summary['miles'] or 0):.1f} mi")

hours = trips(BY_HOUR, least)
if hours.empty:
    st.warning("No trip is that long.")
    st.stop()

chart, table = st.columns([3, 2], gap="large")
with chart:
    st.subheader("Trips by hour")
    bars = alt.Chart(hours).mark_bar(color="#f0a500", cornerRadiusTopLeft=3, cornerRadiusTopRight=3)
    st.altair_chart(
        bars.encode(
            x=alt.X("hour:O", title="Hour of pickup"),
            y=alt.Y("trips:Q", title="Trips"),
            tooltip=["hour", "trips", "fare"],
        ),
        use_container_width=True,
    )
with table:
    st.subheader("Busiest pickups")
    st.dataframe(
        trips(BUSIEST, least),
        hide_index=True,
        use_container_width=True,
        column_config={
            "zip": st.column_config.NumberColumn("ZIP", format="%d"),
            "trips": st.column_config.NumberColumn("Trips"),
            "fare": st.column_config.NumberColumn("Fare", format="$%.2f"),
            "miles": st.column_config.NumberColumn("Miles", format="%.1f"),
        },
    )
