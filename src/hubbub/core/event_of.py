"""From what is kept to what is told: the event that an entry was, when it was new."""

from __future__ import annotations

from hubbub.core.entries import (
    Deleted,
    Edited,
    Erased,
    InvitationNoted,
    MentionNoted,
    Reacted,
    Record,
    RoleGiven,
    RoomSet,
    Said,
    TopicGiven,
    Whispered,
)
from hubbub.core.events import (
    DurableEvent,
    Mentioned,
    MessageDeleted,
    MessageEdited,
    MessageErased,
    MessagePosted,
    ReactionChanged,
    RoleChanged,
    RoomChanged,
    RoomInvitation,
    TopicChanged,
    WhisperPosted,
)
from hubbub.core.people import People


def event_of(record: Record, people: People) -> DurableEvent:
    """The event of any entry. `people` know what those who are mentioned are called now."""
    entry = record.entry
    body, id = entry.body, entry.id
    at = (entry.stream, record.epoch, record.offset, entry.at)
    match body:
        case Said(sender, sender_id, room, content, reply_to, mentions, file):
            names = [name for one in mentions if (name := people.name_of(one)) is not None]
            return MessagePosted(sender, sender_id, room, content, id, *at, reply_to, names, file)
        case Whispered(sender, sender_id, to, to_id, content, reply_to, file):
            return WhisperPosted(sender, sender_id, to, to_id, content, id, *at, reply_to, file)
        case TopicGiven(sender, sender_id, room, topic):
            return TopicChanged(sender, sender_id, room, topic, *at)
        case Edited(sender, sender_id, target, content, in_room):
            return MessageEdited(sender, sender_id, target, content, id, *at, in_room)
        case Deleted(sender, sender_id, target, in_room):
            return MessageDeleted(sender, sender_id, target, id, *at, in_room)
        case Reacted(sender, sender_id, target, emoji, removed, in_room):
            return ReactionChanged(sender, sender_id, target, emoji, id, *at, removed, in_room)
        case RoomSet(sender, sender_id, room, private, retain_days):
            return RoomChanged(sender, sender_id, room, private, retain_days, *at)
        case RoleGiven(sender, sender_id, username, user_id, role, room):
            return RoleChanged(sender, sender_id, username, user_id, role, room, *at)
        case MentionNoted(sender, sender_id, room, room_stream, message_id):
            return Mentioned(sender, sender_id, room, room_stream, message_id, *at)
        case InvitationNoted(sender, sender_id, room, room_stream):
            return RoomInvitation(sender, sender_id, room, room_stream, *at)
        case Erased():
            return MessageErased(entry.stream, record.epoch, record.offset)
