"""Pages about people in care, under ``/patients/``."""

from django.urls import include, path

from patients.messaging.views import mine as my_messages
from patients.messaging.views import staff as messages
from patients.reports.views import mine, staff
from patients.treatment.views import entries
from patients.views import alerts, consents, devices, emergencies, people, psychotherapy, schedules, trail, unattended

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

own_pages = [
    path("", mine.mine, name="mine"),
    path("access/", trail.my_trail, name="my-trail"),
    path("check-in/", mine.check_in, name="my-check-in"),
    path("check-in/<uuid:check_in_id>/", mine.correct_check_in, name="correct-my-check-in"),
    path("questionnaires/<slug:instrument_id>/", mine.questionnaire, name="my-questionnaire"),
    path("symptom/", mine.symptom, name="my-symptom"),
    path("messages/", my_messages.threads, name="my-messages"),
    path("messages/new/", my_messages.new_thread, name="my-new-message"),
    path("messages/<uuid:thread_id>/", my_messages.thread, name="my-thread"),
    path("messages/<uuid:thread_id>/read/", my_messages.read, name="read-my-thread"),
    path("messages/<uuid:thread_id>/<uuid:message_id>/error/", my_messages.in_error, name="my-message-in-error"),
]

message_pages = [
    path("", messages.threads, name="patient-messages"),
    path("new/", messages.new_thread, name="new-message"),
    path("<uuid:thread_id>/", messages.thread, name="thread"),
    path("<uuid:thread_id>/read/", messages.read, name="read-thread"),
    path("<uuid:thread_id>/label/", messages.label, name="label-thread"),
    path("<uuid:thread_id>/<uuid:message_id>/error/", messages.in_error, name="message-in-error"),
    path("<uuid:thread_id>/<uuid:message_id>/notify/", messages.notify, name="notify-again"),
]

alert_pages = [
    path("", alerts.patient_alerts, name="patient-alerts"),
    path("snooze/", alerts.snooze, name="snooze-alerts"),
    path("<uuid:patient_alert_id>/acknowledge/", alerts.acknowledge, name="acknowledge-alert"),
    path("<uuid:patient_alert_id>/resolve/", alerts.resolve, name="resolve-alert"),
    path("<uuid:patient_alert_id>/escalate/", alerts.escalate, name="escalate-alert"),
]

treatment_pages = [
    path("", entries.treatment, name="treatment"),
    path("new/", entries.new_medication, name="new-medication"),
    path("<uuid:medication_id>/", entries.medication, name="medication"),
    path("<uuid:medication_id>/<slug:change>/", entries.change_medication, name="change-medication"),
]

urlpatterns = [
    path("", people.patient_list, name="list"),
    path("search/", people.search, name="search"),
    path("new/", people.new, name="new"),
    path("emergency/", emergencies.emergency, name="emergency"),
    path("emergency/reviews/", emergencies.reviews, name="reviews"),
    path("emergency/reviews/<uuid:access_id>/", emergencies.review, name="review"),
    path("without-a-clinician/", unattended.unattended, name="unattended"),
    path("alerts/", alerts.all_alerts, name="alerts"),
    path("alerts/waiting/", alerts.waiting, name="alerts-waiting"),
    path("messages/", messages.inbox, name="messages"),
    path("messages/replies/", messages.templates, name="reply-templates"),
    path("messages/replies/<uuid:template_id>/withdraw/", messages.withdraw_template, name="withdraw-reply-template"),
    path("mine/", include(own_pages)),
    path("<uuid:patient_id>/", people.home, name="home"),
    path("<uuid:patient_id>/edit/", people.edit, name="edit"),
    path("<uuid:patient_id>/emergency/end/", emergencies.end, name="emergency-end"),
    path("<uuid:patient_id>/consents/", consents.consents, name="consents"),
    path("<uuid:patient_id>/consents/record/", consents.record, name="record-consent"),
    path("<uuid:patient_id>/symptoms/", staff.reports, name="reports"),
    path("<uuid:patient_id>/questionnaires/<slug:instrument_id>/", staff.fill_in, name="fill-in"),
    path("<uuid:patient_id>/assessments/<uuid:assessment_id>/", staff.assessment, name="assessment"),
    path("<uuid:patient_id>/medication/", include(treatment_pages)),
    path("<uuid:patient_id>/conditions/new/", entries.new_condition, name="new-condition"),
    path("<uuid:patient_id>/conditions/<uuid:condition_id>/", entries.condition, name="condition-history"),
    path("<uuid:patient_id>/conditions/<uuid:condition_id>/<slug:change>/", entries.edit_condition, name="condition"),
    path("<uuid:patient_id>/genotypes/new/", entries.new_genotype, name="new-genotype"),
    path("<uuid:patient_id>/genotypes/upload/", entries.upload_genotypes, name="upload-genotypes"),
    path("<uuid:patient_id>/genotypes/<uuid:genotype_id>/error/", entries.genotype_in_error, name="genotype-in-error"),
    path("<uuid:patient_id>/visits/new/", entries.new_appointment, name="new-appointment"),
    path("<uuid:patient_id>/visits/<uuid:appointment_id>/", entries.appointment, name="appointment-history"),
    path("<uuid:patient_id>/visits/<uuid:appointment_id>/<slug:change>/", entries.edit_appointment, name="appointment"),
    path("<uuid:patient_id>/access/", trail.trail, name="trail"),
    path("<uuid:patient_id>/devices/", devices.devices, name="devices"),
    path("<uuid:patient_id>/devices/<uuid:device_id>/token/", devices.new_token, name="renew-device"),
    path("<uuid:patient_id>/devices/<uuid:device_id>/end/", devices.end, name="end-device"),
    path("<uuid:patient_id>/alerts/", include(alert_pages)),
    path("<uuid:patient_id>/messages/", include(message_pages)),
    path("<uuid:patient_id>/schedules/", schedules.schedules, name="schedules"),
    path("<uuid:patient_id>/schedules/<uuid:schedule_id>/", schedules.edit, name="edit-schedule"),
    path("<uuid:patient_id>/psychotherapy/", include(private_notes)),
]
