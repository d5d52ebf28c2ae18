"""Who gets what at every URL: one table. A URL that is not in it fails, so every later one joins.

``login`` is a redirect to the sign-in page, ``302`` any other. A method that no row names is refused to all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Any

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client

from novamind import clock
from patients.models import CareTeam, Grant
from patients.services import assign_patient, join_team, leave_team, share_patient, sync_team_grants, view_permission
from tests.one_of_everything import CANARIES
from tests.urls_of_novamind import Url, every_url, values_for

ROLES = ("anonymous", "outsider", "researcher", "therapist", "psychiatrist", "nurse", "clinical_admin", "superuser")
SEES_THE_CHART = {"therapist", "psychiatrist"}

#: url, method, then one status for each of ROLES: the therapist and the psychiatrist treat the patient of the URL,
#: the nurse works in another team, the last two run the clinic. The first row that fits counts.
TABLE = """
home                               GET     login 302 302 302 302 302 302 302
help                               GET     login 200 200 200 200 200 200 200
favicon                            GET     302   302 302 302 302 302 302 302
live                               GET     200   200 200 200 200 200 200 200
ready                              GET     200   200 200 200 200 200 200 200
metrics                            GET     401   401 401 401 401 401 401 401
schema                             GET     401   200 200 200 200 200 200 200
docs                               GET     401   200 200 200 200 200 200 200
^api/(?P<unmatched>.[*])$          *       401   404 404 404 404 404 404 404

account_login                      GET     200   302 302 302 302 302 302 302
account_login                      POST    200   302 302 302 302 302 302 302
account_logout                     POST    login login login login login login login login
account_inactive                   GET     200   200 200 200 200 200 200 200
account_change_password            GET     login 200 200 200 200 200 200 200
account_change_password            POST    login 422 422 422 422 422 422 422
account_reauthenticate             GET     login 200 200 200 200 200 200 200
account_reauthenticate             POST    login 200 200 200 200 200 200 200
own_phone                          GET     login 403 403 200 200 200 403 403
own_phone                          POST    login 403 403 302 302 302 403 403
end_other_sign_ins                 POST    login 302 302 302 302 302 302 302
mfa_index                          GET     login 200 200 200 200 200 200 200
mfa_index                          POST    login 405 405 405 405 405 405 405
mfa_activate_totp                  *       login 200 200 200 200 200 200 200
mfa_add_webauthn                   *       login 200 200 200 200 200 200 200
mfa_generate_recovery_codes        *       login 200 200 200 200 200 200 200
mfa_view_recovery_codes            GET     login 404 404 404 404 404 404 404
mfa_view_recovery_codes            POST    login 405 405 405 405 405 405 405
mfa_deactivate_totp                *       login 404 404 404 404 404 404 404
mfa_edit_webauthn                  *       login 404 404 404 404 404 404 404
mfa_remove_webauthn                *       login 404 404 404 404 404 404 404
mfa_*                              *       login 302 302 302 302 302 302 302
socialaccount_connections          GET     login 200 200 200 200 200 200 200
socialaccount_connections          POST    login 200 200 200 200 200 200 200
socialaccount_login_cancelled      GET     200   200 200 200 200 200 200 200
socialaccount_login_error          GET     401   401 401 401 401 401 401 401
openid_connect_*                   *       404   404 404 404 404 404 404 404

patients:list                      GET     login 403 403 200 200 200 200 403
patients:search                    POST    login 403 403 302 302 302 302 403
patients:new                       GET     login 403 403 403 200 200 200 403
patients:new                       POST    login 403 403 403 422 422 422 403
patients:home                      GET     login 403 403 302 302 404 404 403
patients:edit                      GET     login 403 403 200 200 404 404 403
patients:edit                      POST    login 403 403 422 422 404 404 403
patients:emergency                 GET     login 403 403 200 200 200 403 403
patients:emergency                 POST    login 403 403 422 422 422 403 403
patients:emergency-end             POST    login 403 403 302 302 404 403 403
patients:unattended                GET     login 403 403 403 403 403 200 403
patients:unattended                POST    login 403 403 403 403 403 422 403
patients:reviews                   GET     login 403 403 403 403 403 200 403
patients:review                    POST    login 403 403 403 403 403 422 403
patients:consents                  GET     login 403 403 200 200 404 404 403
patients:record-consent            POST    login 403 403 422 422 404 404 403
patients:trail                     GET     login 403 403 200 200 404 404 403
patients:my-trail                  GET     login 403 403 403 403 403 403 403
patients:mine                      GET     login 403 403 403 403 403 403 403
patients:my-check-in               GET     login 403 403 403 403 403 403 403
patients:my-check-in               POST    login 403 403 403 403 403 403 403
patients:correct-my-check-in       GET     login 403 403 403 403 403 403 403
patients:correct-my-check-in       POST    login 403 403 403 403 403 403 403
patients:my-questionnaire          GET     login 403 403 403 403 403 403 403
patients:my-questionnaire          POST    login 403 403 403 403 403 403 403
patients:my-symptom                GET     login 403 403 403 403 403 403 403
patients:my-symptom                POST    login 403 403 403 403 403 403 403
patients:reports                   GET     login 403 403 200 200 404 404 403
patients:fill-in                   GET     login 403 403 200 200 404 403 403
patients:fill-in                   POST    login 403 403 422 422 404 403 403
patients:assessment                GET     login 403 403 200 200 404 404 403
patients:my-messages               GET     login 403 403 403 403 403 403 403
patients:my-new-message            GET     login 403 403 403 403 403 403 403
patients:my-new-message            POST    login 403 403 403 403 403 403 403
patients:my-thread                 GET     login 403 403 403 403 403 403 403
patients:my-thread                 POST    login 403 403 403 403 403 403 403
patients:read-my-thread            POST    login 403 403 403 403 403 403 403
patients:my-message-in-error       POST    login 403 403 403 403 403 403 403
patients:messages                  GET     login 403 403 200 200 200 403 403
patients:patient-messages          GET     login 403 403 200 200 404 403 403
patients:new-message               GET     login 403 403 200 200 404 403 403
patients:new-message               POST    login 403 403 422 422 404 403 403
patients:thread                    GET     login 403 403 200 200 404 403 403
patients:thread                    POST    login 403 403 422 422 404 403 403
patients:read-thread               POST    login 403 403 302 302 404 403 403
patients:label-thread              POST    login 403 403 302 302 404 403 403
patients:message-in-error          POST    login 403 403 403 302 404 403 403
patients:notify-again              POST    login 403 403 302 302 404 403 403
patients:reply-templates           GET     login 403 403 403 403 403 200 403
patients:reply-templates           POST    login 403 403 403 403 403 422 403
patients:withdraw-reply-template   POST    login 403 403 403 403 403 302 403
patients:psychotherapy             GET     login 403 403 200 200 404 403 403
patients:new-psychotherapy-note    GET     login 403 403 200 200 404 403 403
patients:new-psychotherapy-note    POST    login 403 403 422 422 404 403 403
patients:psychotherapy-note        GET     login 403 403 404 200 404 403 403
patients:edit-psychotherapy-note   GET     login 403 403 404 200 404 403 403
patients:edit-psychotherapy-note   POST    login 403 403 404 422 404 403 403
patients:sign-psychotherapy-note   POST    login 403 403 404 302 404 403 403
patients:authorize-psychotherapy-reader POST login 403 403 404 422 404 403 403
patients:withdraw-psychotherapy-reader POST login 403 403 404 302 404 403 403
patients:devices                   GET     login 403 403 200 200 404 404 403
patients:devices                   POST    login 403 403 422 422 404 404 403
patients:renew-device              POST    login 403 403 404 404 404 404 403
patients:end-device                POST    login 403 403 404 404 404 404 403
patients:alerts                    GET     login 403 403 200 200 200 200 403
patients:alerts-waiting            GET     login 403 403 200 200 200 200 403
patients:snooze-alerts             POST    login 403 403 422 422 404 403 403
patients:patient-alerts            GET     login 403 403 200 200 404 404 403
patients:acknowledge-alert         POST    login 403 403 422 422 404 403 403
patients:resolve-alert             POST    login 403 403 422 422 404 403 403
patients:escalate-alert            POST    login 403 403 422 422 404 403 403
patients:treatment                 GET     login 403 403 200 200 404 404 403
patients:medication                GET     login 403 403 200 200 404 404 403
patients:new-medication            GET     login 403 403 403 200 404 403 403
patients:new-medication            POST    login 403 403 403 422 404 403 403
patients:change-medication         GET     login 403 403 403 200 404 403 403
patients:change-medication         POST    login 403 403 403 422 404 403 403
patients:new-condition             GET     login 403 403 200 200 404 403 403
patients:new-condition             POST    login 403 403 422 422 404 403 403
patients:condition-history         GET     login 403 403 200 200 404 404 403
patients:condition                 GET     login 403 403 200 200 404 403 403
patients:condition                 POST    login 403 403 422 422 404 403 403
patients:new-genotype              GET     login 403 403 403 200 404 404 403
patients:new-genotype              POST    login 403 403 403 422 404 404 403
patients:upload-genotypes          GET     login 403 403 403 200 404 404 403
patients:upload-genotypes          POST    login 403 403 403 422 404 404 403
patients:genotype-in-error         GET     login 403 403 403 200 404 404 403
patients:genotype-in-error         POST    login 403 403 403 422 404 404 403
patients:new-appointment           GET     login 403 403 200 200 404 404 403
patients:new-appointment           POST    login 403 403 422 422 404 404 403
patients:appointment-history       GET     login 403 403 200 200 404 404 403
patients:appointment               GET     login 403 403 200 200 404 404 403
patients:appointment               POST    login 403 403 422 422 404 404 403
patients:schedules                 GET     login 403 403 200 200 404 404 403
patients:schedules                 POST    login 403 403 422 422 404 404 403
patients:edit-schedule             GET     login 403 403 200 200 404 404 403
patients:edit-schedule             POST    login 403 403 422 422 404 404 403
actigraphy:patient                 GET     login 403 403 200 200 404 404 403
actigraphy:upload                  GET     login 403 403 200 200 404 404 403
actigraphy:upload                  POST    login 403 403 422 422 404 404 403
actigraphy:status                  GET     login 403 403 200 200 404 404 403
actigraphy:report                  GET     login 403 403 200 200 404 404 403
actigraphy:report-pdf              GET     login 403 403 403 302 404 404 403
actigraphy:report-pdf              POST    login 403 403 403 200 404 404 403
actigraphy:report-csv              GET     login 403 403 403 302 404 404 403
actigraphy:report-csv              POST    login 403 403 403 200 404 404 403
data:patient                       GET     login 403 403 200 200 404 404 403
data:days                          GET     login 403 403 200 200 404 404 403
insights:rules                     GET     login 403 403 200 200 200 200 403
insights:new-rule                  GET     login 403 403 200 200 200 200 403
insights:new-rule                  POST    login 403 403 422 422 422 422 403
insights:new-patient-rule          GET     login 403 403 200 200 404 404 403
insights:new-patient-rule          POST    login 403 403 422 422 404 404 403
insights:change-rule               GET     login 403 403 200 200 404 404 403
insights:change-rule               POST    login 403 403 422 422 404 404 403
insights:stop-rule                 POST    login 403 403 302 302 404 404 403
insights:rule-trial                GET     login 403 403 200 200 404 404 403
insights:rule-trial                POST    login 403 403 422 422 404 404 403
insights:worklist                  GET     login 403 403 200 200 200 200 403
insights:clinic                    GET     login 403 200 403 403 403 200 403
insights:research-exports          GET     login 403 200 403 403 403 200 403
insights:new-research-export       GET     login 403 302 403 403 403 302 403
insights:new-research-export       POST    login 403 422 403 403 403 422 403
insights:research-export-file      GET     login 403 404 403 403 403 404 403
insights:research-export-file      POST    login 403 404 403 403 403 404 403
insights:cohort                    GET     login 403 403 200 200 200 200 403
insights:cohort-csv                GET     login 403 403 403 302 302 302 403
insights:cohort-csv                POST    login 403 403 403 200 200 200 403
insights:save-view                 POST    login 403 403 302 302 302 302 403
insights:forget-view               POST    login 403 403 404 404 404 404 403
insights:brief                     GET     login 403 403 200 200 404 404 403
insights:timeline                  GET     login 403 403 200 200 404 404 403
insights:own-charts                GET     login 403 403 200 200 200 200 403
insights:own-charts                POST    login 403 403 422 422 422 422 403
insights:rename-chart              POST    login 403 403 404 404 404 404 403
insights:delete-chart              POST    login 403 403 404 404 404 404 403
insights:patient-chart             GET     login 403 403 200 200 404 404 403
insights:judge                     POST    login 403 403 302 302 404 403 403
insights:notes                     GET     login 403 403 200 200 404 403 403
insights:new-note                  GET     login 403 403 200 200 404 403 403
insights:new-note                  POST    login 403 403 422 422 404 403 403
insights:note                      GET     login 403 403 404 200 404 403 403
insights:edit-note                 GET     login 403 403 404 200 404 403 403
insights:edit-note                 POST    login 403 403 404 422 404 403 403
insights:sign-note                 POST    login 403 403 404 422 404 403 403
insights:amend-note                POST    login 403 403 404 422 404 403 403
insights:attach-file                POST    login 403 403 404 422 404 403 403
insights:attachment                 GET     login 403 403 404 200 404 403 403
insights:remove-attachment          POST    login 403 403 404 302 404 403 403
insights:discard-note              POST    login 403 403 404 422 404 403 403
insights:brief-report              GET     login 403 403 200 200 404 404 403
insights:shared                    GET     login 403 403 200 200 404 404 403
insights:brief-pdf                 GET     login 403 403 403 302 404 404 403
insights:brief-pdf                 POST    login 403 403 403 200 404 404 403
insights:brief-csv                 GET     login 403 403 403 302 404 404 403
insights:brief-csv                 POST    login 403 403 403 200 404 404 403
insights:shared-pdf                GET     login 403 403 403 302 404 404 403
insights:shared-pdf                POST    login 403 403 403 200 404 404 403
insights:draft-note                POST    login 403 403 404 302 404 403 403
insights:put-draft                 POST    login 403 403 404 302 404 403 403
twins:twin                         GET     login 403 403 200 200 404 404 403
twins:medication                   GET     login 403 403 403 200 404 403 403
twins:genes                        GET     login 403 403 403 200 404 403 403
twins:genes-pdf                    GET     login 403 403 403 302 404 403 403
twins:genes-pdf                    POST    login 403 403 403 200 404 403 403
twins:genes-csv                    GET     login 403 403 403 302 404 403 403
twins:genes-csv                    POST    login 403 403 403 200 404 403 403
twins:medication-starts            GET     login 403 403 403 200 404 403 403
twins:medication-response          POST    login 403 403 403 302 404 403 403
twins:medication-axis              GET     login 403 403 403 200 404 403 403
twins:create                       POST    login 403 403 403 302 403 404 403
twins:refresh                      POST    login 403 403 403 302 403 404 403
twins:what-if                      POST    login 403 403 422 422 404 403 403
data:order                         POST    login 403 403 422 422 404 404 403
provenance                         GET     login 403 403 200 200 404 404 403

medication-rules:list              GET     login 403 403 403 403 403 200 403
medication-rules:new               GET     login 403 403 403 403 403 200 403
medication-rules:new               POST    login 403 403 403 403 403 422 403
medication-rules:change            GET     login 403 403 403 403 403 200 403
medication-rules:change            POST    login 403 403 403 403 403 422 403
medication-rules:multipliers       GET     login 403 403 403 403 403 200 403
medication-rules:multipliers       POST    login 403 403 403 403 403 422 403
models:list                        GET     login 403 200 200 200 200 200 403
models:version                     GET     login 403 200 200 200 200 200 403
models:move                        GET     login 403 403 403 403 403 200 403
models:move                        POST    login 403 403 403 403 403 422 403
jobs:list                          GET     login 403 403 403 403 403 200 200
jobs:retry                         POST    login 403 403 403 403 403 302 302
jobs:acknowledge                   POST    login 403 403 403 403 403 302 302
delivery:list                      GET     login 403 403 403 403 403 200 200
delivery:resend                    POST    login 403 403 403 403 403 302 302
compliance:list                    GET     login 403 403 403 403 403 200 403
compliance:run                     POST    login 403 403 403 403 403 302 403
compliance:acknowledge             POST    login 403 403 403 403 403 422 403
compliance:incidents               GET     login 403 403 403 403 403 200 403
compliance:new-incident            GET     login 403 403 403 403 403 200 403
compliance:new-incident            POST    login 403 403 403 403 403 422 403
compliance:incident                GET     login 403 403 403 403 403 200 403
compliance:incident                POST    login 403 403 403 403 403 422 403
audit:list                         GET     login 403 403 403 403 403 200 200
audit:activity                     GET     login 403 403 403 403 403 200 200
audit:review-activity              POST    login 403 403 403 403 403 422 403
audit:account                      GET     login 403 403 403 403 403 200 200
audit:export-account               POST    login 403 403 403 403 403 422 403

api:login                          POST    400   400 400 400 400 400 400 400
api:refresh                        POST    400   400 400 400 400 400 400 400
api:logout                         POST    400   400 400 400 400 400 400 400
api:patient-list                   GET     401   403 403 200 200 200 200 403
api:patient-list                   POST    401   403 403 403 400 400 400 403
api:patient-detail                 GET     401   403 403 200 200 404 404 403
api:patient-detail                 PATCH   401   403 403 409 409 404 404 403
api:patient-detail                 DELETE  401   403 403 403 403 403 404 403
api:consents                       GET     401   403 403 200 200 404 404 403
api:consents                       POST    401   403 403 400 400 404 404 403
api:instruments                    GET     401   403 403 200 200 200 403 403
api:due                            GET     401   403 403 403 403 403 403 403
api:assessments                    GET     401   403 403 200 200 404 404 403
api:assessments                    POST    401   403 403 400 400 404 403 403
api:check-ins                      GET     401   403 403 200 200 404 404 403
api:check-ins                      POST    401   403 403 400 400 404 403 403
api:check-in                       PUT     401   403 403 400 400 404 403 403
api:messages                       GET     401   403 403 200 200 404 403 403
api:messages                       POST    401   403 403 400 400 404 403 403
api:thread                         GET     401   403 403 200 200 404 403 403
api:thread                         POST    401   403 403 400 400 404 403 403
api:read-thread                    POST    401   403 403 400 400 404 403 403
api:symptoms                       GET     401   403 403 200 200 404 404 403
api:symptoms                       POST    401   403 403 400 400 404 403 403
api:symptom                        PUT     401   403 403 400 400 404 403 403
api:drugs                          GET     401   403 403 200 200 200 200 403
api:medications                    GET     401   403 403 200 200 404 404 403
api:medications                    POST    401   403 403 403 400 404 403 403
api:medication                     GET     401   403 403 200 200 404 404 403
api:medication-check               POST    401   403 403 403 400 404 403 403
api:medication-history             GET     401   403 403 200 200 404 404 403
api:medication                     PATCH   401   403 403 403 409 404 403 403
api:conditions                     GET     401   403 403 200 200 404 404 403
api:conditions                     POST    401   403 403 400 400 404 403 403
api:condition                      GET     401   403 403 200 200 404 404 403
api:condition-history              GET     401   403 403 200 200 404 404 403
api:condition                      PATCH   401   403 403 409 409 404 403 403
api:genotypes                      GET     401   403 403 200 200 404 404 403
api:genotypes                      POST    401   403 403 403 400 404 404 403
api:genotype                       GET     401   403 403 200 200 404 404 403
api:genotype                       PATCH   401   403 403 403 409 404 404 403
api:appointments                   GET     401   403 403 200 200 404 404 403
api:appointments                   POST    401   403 403 400 400 404 404 403
api:appointment                    GET     401   403 403 200 200 404 404 403
api:appointment-history            GET     401   403 403 200 200 404 404 403
api:appointment                    PATCH   401   403 403 409 409 404 404 403
api:doses                          POST    401   403 403 403 409 404 403 403
api:genotype-upload                POST    401   403 403 403 415 404 404 403
api:schedules                      GET     401   403 403 200 200 404 404 403
api:schedules                      POST    401   403 403 400 400 404 404 403
api:schedule                       PATCH   401   403 403 409 409 404 404 403
api:alert-acknowledge              POST    401   403 403 400 400 404 403 403
api:alert-resolve                  POST    401   403 403 400 400 404 403 403
api:alert-escalate                 POST    401   403 403 400 400 404 403 403
api:upload                         POST    401   403 403 415 415 415 415 403
api:analyze                        POST    401   403 403 400 400 400 400 403
api:biometric-events               POST    401   403 403 400 400 400 400 403
api:biometrics                     GET     401   403 403 200 200 404 404 403
api:biometric-samples              GET     401   403 403 200 200 404 404 403
api:biometric-days                 GET     401   403 403 200 200 404 404 403
api:aggregated                     GET     401   403 403 400 400 400 400 403
api:clinic-numbers                 GET     401   403 200 403 403 403 200 403
api:clinical-insights              GET     401   403 403 200 200 404 404 403
api:digital-twin                   GET     401   403 403 200 200 404 404 403
api:digital-twin                   POST    401   403 403 403 409 403 404 403
api:generate-twin                  POST    401   403 403 403 400 403 400 403
api:what-ifs                       POST    401   403 403 400 400 404 403 403
api:what-if                        GET     401   403 403 200 200 404 404 403
api:symptom-forecast               GET     401   403 403 200 200 404 404 403
api:medication-response            GET     401   403 403 403 200 404 403 403
api:medication-response            POST    401   403 403 403 202 404 403 403
api:medication-recommendations     GET     401   403 403 403 200 404 403 403
api:biometric-order                GET     401   403 403 200 200 404 404 403
api:biometric-order                POST    401   403 403 400 400 404 404 403
api:biometric-correlations         GET     401   403 403 200 200 404 404 403
api:model-list                     GET     401   403 200 200 200 200 200 403
api:model-detail                   GET     401   403 200 200 200 200 200 403
api:*-list                         GET     401   403 403 200 200 200 200 403
api:*-detail                       GET     401   403 403 200 200 404 404 403
api:recording-results              GET     401   403 403 200 200 404 404 403
api:recording-analysis             GET     401   403 403 200 200 404 404 403

admin:index                        GET     login login login login login login 200 200
admin:index                        POST    login login login login login login 200 200
admin:app_list                     GET     login login login login login login 200 200
admin:app_list                     POST    login login login login login login 200 200
admin:login                        *       login 403 403 403 403 403 login login
admin:logout                       GET     login 302 302 302 302 302 405 405
admin:logout                       POST    login 302 302 302 302 302 login login
admin:password_change              GET     login login login login login login 302 302
admin:password_change              POST    login login login login login login 302 302
admin:password_change_done         GET     login login login login login login 200 200
admin:jsi18n                       GET     login login login login login login 200 200
admin:autocomplete                 GET     login login login login login login 403 403
admin:view_on_site                 *       login login login login login login 404 404
admin/(?P<url>.[*])$               *       login login login login login login 404 404
admin/*/<path:object_id>/          *       login login login login login login 302 302

admin:auth_user_password_change    GET     login login login login login login 200 200
admin:auth_user_password_change    POST    login login login login login login 422 422
admin:accounts_user_add            GET     login login login login login login 200 200
admin:accounts_user_add            POST    login login login login login login 422 422
admin:accounts_user_change         GET     login login login login login login 200 200
admin:accounts_user_change         POST    login login login login login login 422 422
admin:patients_careteam_add        GET     login login login login login login 200 200
admin:patients_careteam_add        POST    login login login login login login 422 422
admin:patients_careteam_change     GET     login login login login login login 200 200
admin:patients_careteam_change     POST    login login login login login login 422 422
admin:patients_careteam_delete     GET     login login login login login login 200 200
admin:patients_careteam_delete     POST    login login login login login login 422 422
admin:socialaccount_socialaccount_add GET  login login login login login login 200 200
admin:socialaccount_socialaccount_add POST login login login login login login 422 422
admin:socialaccount_socialaccount_change GET login login login login login login 200 200
admin:socialaccount_socialaccount_change POST login login login login login login 422 422
admin:socialaccount_socialaccount_delete GET login login login login login login 200 200
admin:socialaccount_socialaccount_delete POST login login login login login login 422 422
admin:*_changelist                 *       login login login login login login 200 200
admin:*_add                        *       login login login login login login 403 403
admin:*_delete                     *       login login login login login login 403 403
admin:patients_patient_history     *       login login login login login login 302 302
admin:patients_grant_history       *       login login login login login login 302 302
admin:patients_careassignment_history *    login login login login login login 302 302
admin:patients_assessment_history  *       login login login login login login 302 302
admin:patients_checkin_history     *       login login login login login login 302 302
admin:patients_symptomreport_history *       login login login login login login 302 302
admin:patients_medication_history  *       login login login login login login 302 302
admin:patients_medicationdose_history *       login login login login login login 302 302
admin:patients_treatmentchange_history *       login login login login login login 302 302
admin:patients_condition_history   *       login login login login login login 302 302
admin:patients_appointment_history *       login login login login login login 302 302
admin:patients_genotypereport_history *       login login login login login login 302 302
admin:patients_genotypefile_history *       login login login login login login 302 302
admin:patients_genotype_history    *       login login login login login login 302 302
admin:patients_consent_history     *       login login login login login login 302 302
admin:patients_emergencyaccess_history *   login login login login login login 302 302
admin:patients_reminder_history    *       login login login login login login 302 302
admin:patients_schedule_history    *       login login login login login login 302 302
admin:patients_alertsnooze_history *       login login login login login login 302 302
admin:patients_alertevent_history  *       login login login login login login 302 302
admin:patients_alert_history       *       login login login login login login 302 302
admin:actigraphy_*_history         *       login login login login login login 302 302
admin:twins_multiplierconfirmation_history * login login login login login login 200 200
admin:twins_siterule_history       *       login login login login login login 200 200
admin:twins_*_history              *       login login login login login login 302 302
admin:insights_savedview_history   *       login login login login login login 200 200
admin:insights_savedview_change    GET     login login login login login login 200 200
admin:insights_ownchart_history    *       login login login login login login 200 200
admin:insights_ownchart_change     GET     login login login login login login 200 200
admin:insights_researchexport_history * login login login login login login 200 200
admin:insights_researchexport_change GET login login login login login login 200 200
admin:insights_*_history           *       login login login login login login 302 302
admin:auth_permission_history      *       login login login login login login 302 302
admin:patients_patient_*           GET     login login login login login login 302 302
admin:patients_grant_*             GET     login login login login login login 302 302
admin:patients_careassignment_*    GET     login login login login login login 302 302
admin:patients_assessment_*        GET     login login login login login login 302 302
admin:patients_checkin_*           GET     login login login login login login 302 302
admin:patients_symptomreport_*     GET     login login login login login login 302 302
admin:patients_medication_*        GET     login login login login login login 302 302
admin:patients_medicationdose_*    GET     login login login login login login 302 302
admin:patients_treatmentchange_*   GET     login login login login login login 302 302
admin:patients_condition_*         GET     login login login login login login 302 302
admin:patients_appointment_*       GET     login login login login login login 302 302
admin:patients_genotypereport_*    GET     login login login login login login 302 302
admin:patients_genotypefile_*      GET     login login login login login login 302 302
admin:patients_genotype_*          GET     login login login login login login 302 302
admin:patients_consent_*           GET     login login login login login login 302 302
admin:patients_emergencyaccess_*   GET     login login login login login login 302 302
admin:patients_reminder_*          GET     login login login login login login 302 302
admin:patients_schedule_*          GET     login login login login login login 302 302
admin:patients_alertsnooze_*       GET     login login login login login login 302 302
admin:patients_alertevent_*        GET     login login login login login login 302 302
admin:patients_alert_*             GET     login login login login login login 302 302
admin:actigraphy_*                 GET     login login login login login login 302 302
admin:twins_multiplierconfirmation_* GET   login login login login login login 200 200
admin:twins_siterule_*             GET     login login login login login login 200 200
admin:twins_*                      GET     login login login login login login 302 302
admin:insights_*                   GET     login login login login login login 302 302
admin:auth_permission_*            GET     login login login login login login 302 302
admin:*_change                     GET     login login login login login login 200 200
admin:*_change                     POST    login login login login login login 403 403
admin:*_history                    *       login login login login login login 200 200
"""
ROWS = [line.split() for line in TABLE.splitlines() if line.strip()]
REFUSALS = {"302", "401", "403", "404", "405", "login"}
# Ours, and not the browser's: a body is compared without what names the request.
OF_THE_REQUEST = re.compile(
    rb'("request_id": ?")[^"]*|(csrf(?:middlewaretoken|_?token)[^>]*?value=")[^"]*|("X-CSRFToken": ?")[^"]*',
    re.IGNORECASE,
)


def expected(url: Url, method: str) -> list[str] | None:
    for name, for_method, *statuses in ROWS:
        if fnmatchcase(url.name, name) and for_method in (method, "*"):
            return statuses
    return None


def test_every_url_is_in_the_table():
    missing = [url.name for url in every_url() if not any(fnmatchcase(url.name, row[0]) for row in ROWS)]
    assert missing == []


def test_every_row_is_a_url_and_is_complete():
    urls = every_url()
    assert [row[0] for row in ROWS if not any(fnmatchcase(url.name, row[0]) for url in urls)] == []
    assert [row[:2] for row in ROWS if len(row) != 2 + len(ROLES)] == []


def visitor(user: Any) -> Client:
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


def ask(
    client: Client, method: str, address: str, look: Callable[[HttpResponse], None] = lambda answer: None
) -> HttpResponse:
    """One request, undone once ``look`` has seen what it left; the client stays signed in."""
    kept = client.cookies.copy()
    if address.startswith("/api/"):
        sent: dict[str, Any] = {"data": b"{}", "content_type": "application/json"}
    else:
        sent = {"data": b"", "content_type": "application/x-www-form-urlencoded"}
    with transaction.atomic():
        response = client.generic(method, address, **({} if method in {"GET", "HEAD"} else sent))
        look(response)
        transaction.set_rollback(True)
    client.cookies = kept
    return response


def outcome(response: HttpResponse) -> str:
    if response.status_code == 302 and re.match(r"/(accounts|admin)/login/", response["Location"]):
        return "login"
    return str(response.status_code)


def methods(url: Url) -> Iterator[str]:
    yield from ("GET", "POST")
    if url.name.startswith("api:") or "api/" in url.route:
        yield from ("PUT", "PATCH", "DELETE")


def cast(request: pytest.FixtureRequest, role: str) -> Any:
    return None if role == "anonymous" else request.getfixturevalue(role)


@pytest.mark.exhaustive
@pytest.mark.parametrize("role", ROLES)
def test_a_role_gets_at_every_url_what_the_table_says(role, chart, request):
    user = cast(request, role)
    client, column = visitor(user), ROLES.index(role)
    wrong, leaked = [], []
    for url in every_url():
        address = url.of(values_for(url, chart, user or chart.patient))
        for method in methods(url):
            response = ask(client, method, address)
            statuses = expected(url, method)
            fine = outcome(response) == statuses[column] if statuses else outcome(response) in REFUSALS
            if not fine:
                wrong.append(
                    f"{url.name} {method}: {outcome(response)}, not {statuses[column] if statuses else 'refused'}"
                )
            body = b"".join(response.streaming_content) if response.streaming else response.content
            if role not in SEES_THE_CHART and CANARIES.search(body):
                leaked.append(f"{url.name} {method}: {response.status_code} names the patient")
    assert wrong == []
    assert leaked == []


def of_the_patient() -> list[Url]:
    """URLs that name something of one patient."""
    clinical = {"patient_id", "record_id", "recording_id"}
    return [
        url
        for url in every_url()
        if clinical & set(url.parameters)
        or (url.name.startswith("api:") and "pk" in url.parameters and url.name != "api:model-detail")
    ]


def test_the_canaries_sing_where_the_chart_may_be_seen(chart, psychiatrist):
    client = visitor(psychiatrist)
    for address in ("/patients/", f"/patients/{chart.patient.pk}/actigraphy/", f"/api/v1/patients/{chart.patient.pk}"):
        assert CANARIES.search(ask(client, "GET", address).content), address


def reads_of(chart: Any, user: Any) -> dict[str, int]:
    """What the pages that whoever sees the patient may read answer; private notes and drafts are their author's."""
    client = visitor(user)
    return {
        url.name: ask(client, "GET", url.of(values_for(url, chart, user))).status_code
        for url in of_the_patient()
        if url.name != "actigraphy:upload"
        and not {"note_id", "encounter_id"} & set(url.parameters)
        and expected(url, "GET")
    }


def sees(chart: Any, user: Any) -> bool:
    """Whether every one of the patient's URLs that the role may read is open, or every one is closed."""
    user = type(user).objects.get(pk=user.pk)  # roles are remembered on the object
    # 403 is the role's limit, whoever the patient is: the table above has it.
    opened = {name: status in (200, 302) for name, status in reads_of(chart, user).items() if status != 403}
    assert len(set(opened.values())) == 1, opened
    listed = CANARIES.search(ask(visitor(user), "GET", "/api/v1/patients").content)
    assert bool(listed) == next(iter(opened.values()))
    return bool(listed)


@pytest.mark.exhaustive
def test_a_shared_patient_is_seen_until_the_grant_ends(chart, nurse):
    assert not sees(chart, nurse)
    share_patient(patient=chart.patient, user=nurse)
    assert sees(chart, nurse)
    Grant.objects.filter(user=nurse).update(valid_until=clock.now() + timedelta(seconds=60))
    assert sees(chart, nurse)
    Grant.objects.filter(user=nurse).update(valid_until=clock.now())
    assert not sees(chart, nurse)


@pytest.mark.exhaustive
def test_who_leaves_the_team_sees_nothing_unless_another_team_shares_the_patient(chart, therapist, team, other_team):
    leave_team(team=team, user=therapist)
    assert not sees(chart, therapist)
    join_team(team=team, user=therapist)
    join_team(team=other_team, user=therapist)
    assign_patient(team=other_team, patient=chart.patient)
    leave_team(team=team, user=therapist)
    assert sees(chart, therapist)
    CareTeam.objects.get(pk=other_team.pk).delete()
    sync_team_grants()
    assert not sees(chart, therapist)


def test_an_inactive_user_is_a_stranger_at_once(chart, psychiatrist):
    client = visitor(psychiatrist)
    assert ask(client, "GET", f"/api/v1/patients/{chart.patient.pk}").status_code == 200
    psychiatrist.is_active = False
    psychiatrist.save()
    assert ask(client, "GET", f"/api/v1/patients/{chart.patient.pk}").status_code == 401
    assert outcome(ask(client, "GET", f"/patients/{chart.patient.pk}/actigraphy/")) == "login"


def test_a_superuser_is_given_no_chart_by_being_one(chart, superuser, make_user):
    both = make_user("both@clinic.test", "psychiatrist", is_superuser=True, is_staff=True)
    assert set(reads_of(chart, superuser).values()) <= {403, 404}
    assert set(reads_of(chart, both).values()) == {404}


def test_a_patient_opens_no_page_of_staff_about_their_own_chart(chart, make_user):
    own = make_user("self@clinic.test", "patient")
    Grant.objects.create(user=own, content_object=chart.patient, permission=view_permission(), reason=Grant.Reason.SELF)
    told = reads_of(chart, own)
    assert {name for name, status in told.items() if status == 200} == {"api:messages", "api:thread"}  # the own ones
    assert set(told.values()) == {200, 403}


def test_the_api_says_which_refusal_it_is(chart, outsider, nurse):
    address = f"/api/v1/patients/{chart.patient.pk}"
    assert ask(visitor(None), "GET", address).json()["code"] == "not_authenticated"
    assert ask(visitor(outsider), "GET", address).json()["code"] == "role_required"
    assert ask(visitor(nurse), "GET", address).json()["code"] == "not_found"
