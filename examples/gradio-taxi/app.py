"""New York taxi trips: what a Gradio app on Databricks looks like.

The figures are read as the app's own service principal. Who you are is asked as yourself, with the token the platform
forwards.
"""

import gradio as gr
import pandas as pd

from warehouse import rows

SUMMARY = """
    SELECT count(*) AS trips, round(avg(fare_amount), 2) AS fare, round(avg(trip_distance), 2) AS miles
    FROM samples.nyctaxi.trips
    WHERE trip_distance >= :least
"""

BY_HOUR = """
    SELECT hour(tpep_pickup_datetime) AS hour, count(*) AS trips
    FROM samples.nyctaxi.trips
    WHERE trip_distance >= :least
    GROUP BY hour(tpep_pickup_datetime)
    ORDER BY hour
"""

BUSIEST = """
    SELECT pickup_zip, count(*) AS trips, round(avg(fare_amount), 2) AS fare, round(avg(trip_distance), 2) AS miles
    FROM samples.nyctaxi.trips
    WHERE trip_distance >= :least
    GROUP BY pickup_zip
    ORDER BY trips DESC, pickup_zip
    LIMIT 15
"""


def who(request: gr.Request):
    token = request.headers.get("x-forwarded-access-token")
    if not token:
        return "No user token was forwarded."
    return f"You are **{rows('SELECT current_user() AS name', user_token=token)[0]['name']}**"


def trips(least):
    wanted = {"least": float(least)}
    summary = rows(SUMMARY, wanted)[0]
    line = f"### {summary['trips']:,} trips, ${summary['fare'] or 0:.2f} and {summary['miles'] or 0:.1f} miles on average"
    hours = pd.DataFrame(rows(BY_HOUR, wanted), columns=["hour", "trips"])
    return line, hours, pd.DataFrame(rows(BUSIEST, wanted))


with gr.Blocks(title="Taxi trips", theme=gr.themes.Soft(primary_hue="amber")) as demo:
    with gr.Row():
        gr.Markdown("# New York taxi trips")
        user = gr.Markdown()
    least = gr.Slider(0, 10, value=0, step=0.5, label="Trips of at least … miles")
    summary = gr.Markdown()
    with gr.Row():
        hours = gr.BarPlot(x="hour", y="trips", title="Trips by hour", x_title="Hour of pickup", y_title="Trips", height=320)
        busiest = gr.Dataframe(label="Busiest pickups", interactive=False)
    demo.load(who, None, user)
    demo.load(trips, least, [summary, hours, busiest])
    least.release(trips, least, [summary, hours, busiest])

if __name__ == "__main__":
    demo.launch()
