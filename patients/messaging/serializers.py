"""Messages over the API."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from patients.models import NOTE_LENGTH, SUBJECT_LENGTH, MessageThread


class NewThreadSerializer(serializers.Serializer):
    """What begins a thread. ``part2`` is taken from staff alone."""

    subject = serializers.CharField(max_length=SUBJECT_LENGTH)
    text = serializers.CharField(max_length=NOTE_LENGTH)
    part2 = serializers.BooleanField(default=False, help_text="42 CFR Part 2; staff alone")


class ReplySerializer(serializers.Serializer):
    """A message in a thread."""

    text = serializers.CharField(max_length=NOTE_LENGTH)
    seen = serializers.UUIDField(
        required=False,
        allow_null=True,
        help_text="id of the newest message shown: up to it all counts as read",
    )


class SeenSerializer(serializers.Serializer):
    """Up to which message a thread was read."""

    seen = serializers.UUIDField(help_text="id of the newest message that was shown")


class ThreadSerializer(serializers.ModelSerializer):
    """A thread as a list shows it."""

    subject = serializers.CharField()
    unread = serializers.SerializerMethodField(help_text="whether the other side wrote what is not read")

    class Meta:
        model = MessageThread
        fields = ["id", "patient_id", "subject", "part2", "created_at", "last_at", "unread"]
        read_only_fields = fields

    def get_unread(self, thread: MessageThread) -> bool:
        return thread.unread_since is not None


class MessageSerializer(serializers.Serializer):
    """One message and what became of it."""

    id = serializers.UUIDField(source="message.pk")
    thread_id = serializers.UUIDField(source="message.thread_id")
    at = serializers.DateTimeField(source="message.at")
    by = serializers.SerializerMethodField(help_text="as the other side sees it: a name, or the patient")
    by_patient = serializers.BooleanField(source="message.by_patient")
    text = serializers.CharField(source="message.text")
    read_at = serializers.SerializerMethodField()
    entered_in_error_at = serializers.SerializerMethodField()

    def get_by(self, line: dict[str, Any]) -> str:
        return "the patient" if line["message"].by_patient else str(line["message"].by or "")

    def get_read_at(self, line: dict[str, Any]) -> str | None:
        return _moment(line["read"])

    def get_entered_in_error_at(self, line: dict[str, Any]) -> str | None:
        return _moment(line["error"])


def _moment(mark: Any) -> str | None:
    return serializers.DateTimeField().to_representation(mark.at) if mark else None


class HelpSerializer(serializers.Serializer):
    """What an app shows where a patient writes."""

    crisis_text = serializers.CharField(help_text="beside it: nobody is monitoring messages, at any hour")


class WholeThreadSerializer(ThreadSerializer):
    """A thread with its messages, the oldest first."""

    messages = MessageSerializer(many=True)
    help = HelpSerializer()

    class Meta(ThreadSerializer.Meta):
        fields = [*ThreadSerializer.Meta.fields, "messages", "help"]
        read_only_fields = fields


class SentMessageSerializer(MessageSerializer):
    """A message that was just sent."""

    help = HelpSerializer(source="words")


class ReadSerializer(serializers.Serializer):
    """How many messages were new."""

    read = serializers.IntegerField()
