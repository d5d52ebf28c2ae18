"""Pages about people in care, under ``/patients/``."""

from django.urls import include, path

from patients.views import consents, devices, emergencies, people, psychotherapy, trail

app_name = "patients"

private_notes = [
    path("", psychotherapy.notes, name="psychotherapy"),
    path("new/", psychotherapy.new_note, name="new-psychotherapy-note"),
    path("<uuid:note_id>/", psychotherapy.note, name="psychotherapy-note"),
    path("<uuid:note_id>/edit/", psychotherapy.edit_note, name="edit-psychotherapy-note"),
    path("<uuid:note_id>/sign/", psychotherapy.sign, name="sign-psychotherapy-note"),
    path("<uuid:note_id>/authorize/", psychotherapy.authorize, name="authorize-psychotherapy-reader"),
    path(
        "<uuid:note_id>/authorizations/<uuid:authorization_id>/withdraw/",
        psychotherapy.withdraw,
        name="withdraw-psychotherapy-reader",
    ),
]

urlpatterns = [
    path("", people.patient_list, name="list"),
    path("search/", people.search, name="search"),
    path("new/", people.new, name="new"),
    path("emergency/", emergencies.emergency, name="emergency"),
    path("emergency/reviews/", emergencies.reviews, name="reviews"),
    path("emergency/reviews/<uuid:access_id>/", emergencies.review, name="review"),
    path("mine/access/", trail.my_trail, name="my-trail"),
    path("<uuid:patient_id>/", people.home, name="home"),
    path("<uuid:patient_id>/edit/", people.edit, name="edit"),
    path("<uuid:patient_id>/emergency/end/", emergencies.end, name="emergency-end"),
    path("<uuid:patient_id>/consents/", consents.consents, name="consents"),
    path("<uuid:patient_id>/consents/record/", consents.record, name="record-consent"),
    path("<uuid:patient_id>/access/", trail.trail, name="trail"),
    path("<uuid:patient_id>/devices/", devices.devices, name="devices"),
    path("<uuid:patient_id>/devices/<uuid:device_id>/end/", devices.end, name="end-device"),
    path("<uuid:patient_id>/psychotherapy/", include(private_notes)),
]
