"""Encounter notes, under the names of insights."""

from django.urls import path

from insights.notes import views

NOTE = "patients/<uuid:patient_id>/notes/<uuid:encounter_id>/"

urlpatterns = [
    path("patients/<uuid:patient_id>/notes/", views.notes, name="notes"),
    path("patients/<uuid:patient_id>/notes/new/", views.new_note, name="new-note"),
    path(NOTE, views.note, name="note"),
    path(f"{NOTE}edit/", views.edit_note, name="edit-note"),
    path(f"{NOTE}sign/", views.sign, name="sign-note"),
    path(f"{NOTE}files/", views.attach, name="attach-file"),
    path(f"{NOTE}files/<uuid:attachment_id>/", views.attachment, name="attachment"),
    path(f"{NOTE}files/<uuid:attachment_id>/remove/", views.remove, name="remove-attachment"),
    path(f"{NOTE}discard/", views.discard, name="discard-note"),
    path(f"{NOTE}amend/", views.amend, name="amend-note"),
    path(f"{NOTE}draft/", views.ask_draft, name="draft-note"),
    path(f"{NOTE}draft/<uuid:draft_id>/", views.put_draft, name="put-draft"),
]
