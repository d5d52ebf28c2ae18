"""The page of deliveries, under ``/deliveries/``."""

from django.urls import path

from novamind.delivery import views

app_name = "delivery"

urlpatterns = [
    path("", views.list_page, name="list"),
    path("<uuid:delivery_id>/resend/", views.resend_page, name="resend"),
]
