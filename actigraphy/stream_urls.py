"""Pages of what devices send for one patient, under ``/patients/<uuid>/data/``."""

from django.urls import path

from actigraphy import stream_views

app_name = "data"
urlpatterns = [
    path("", stream_views.data, name="patient"),
    path("<slug:data_type>/", stream_views.days, name="days"),
    path("<slug:data_type>/order/<slug:data_key>/", stream_views.order, name="order"),
]
