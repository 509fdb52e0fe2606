import streamlit as st
import psycopg2

st.title("Shop")
