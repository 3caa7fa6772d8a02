// The WebSocket dialect: what each action takes and is answered by, what comes unasked (docs/protocol.md).
// Made from the server's own types by scripts/typescript.py; not edited by hand.

/**
 * A request that was not carried out, and why.
 *
 * `message` is a whole sentence for people. `field` names the part of the request that is at fault,
 * `limit` the setting that was passed, `retry_after` is in seconds.
 */
export interface Refusal {
  readonly code: Code;
  readonly message: string;
  readonly field?: string;
  readonly limit?: string;
  readonly retry_after?: number;
}

/** Why a request was refused (the table of `docs/protocol.md`). */
export type Code = "bad_request" | "unknown_action" | "unsupported" | "unauthenticated" | "bad_credentials" | "forbidden" | "name_invalid" | "name_taken" | "name_registered" | "not_found" | "too_large" | "rate_limited" | "read_only" | "internal";

/**
 * Welcome. `user_id` is 1 … 2^53 - 1.
 *
 * A guest's `token` takes id and name back after a dropped line. An account's is worth `expires_in`
 * seconds, and `refresh_token` gets the next one. Who came by a cookie is told neither: `token` is empty.
 * `rooms` are those that the login is in.
 */
export interface LoggedIn {
  readonly username: string;
  readonly user_id: number;
  readonly token: string;
  readonly server: string;
  readonly refresh_token?: string;
  readonly expires_in?: number;
  readonly role?: string;
  readonly rooms?: readonly RoomPlace[];
}

/** A room that a login is in. Live events of `stream` follow from `offset` + 1 on. */
export interface RoomPlace {
  readonly room: string;
  readonly stream: string;
  readonly epoch: string;
  readonly offset: number;
}

/** Of `login`. `password_sha256` stands for `password`. */
export interface LoginPayload {
  username?: string | null | undefined;
  password?: string | null | undefined;
  token?: string | null | undefined;
  password_sha256?: string | null | undefined;
}

/** Of `register`. `password_sha256` stands for `password`. */
export interface RegisterPayload {
  username?: string | null | undefined;
  password?: string | null | undefined;
  password_sha256?: string | null | undefined;
}

/** Of `refresh`. */
export interface RefreshPayload {
  refresh_token: string;
}

/** The login is over, and the connection is nobody's. */
export type LoggedOut = Record<string, never>;

/** Of an action that takes nothing. */
export type NoPayload = Record<string, never>;

/** The new password is kept; other logins have ended. */
export type PasswordSet = Record<string, never>;

/** Of `password`: `old` and `new`, or the SHA-256 of both. */
export interface PasswordPayload {
  old?: string | null | undefined;
  new?: string | null | undefined;
  old_sha256?: string | null | undefined;
  new_sha256?: string | null | undefined;
}

/** Where the account is logged in, the newest first. */
export interface SessionList {
  readonly sessions: readonly SessionView[];
}

/** One login of an account. Times are RFC 3339; `current`: the asker's own. */
export interface SessionView {
  readonly id: string;
  readonly since: string;
  readonly seen: string;
  readonly current: boolean;
}

/** That login is over, everywhere. */
export interface SessionEnded {
  readonly session: string;
}

/** Of `sessions`. With the id of a login in `end` it ends that one. */
export interface SessionsPayload {
  end?: string | null | undefined;
}

/**
 * A message, an edit, a deletion or a reaction is kept as this position; `at` is RFC 3339 in UTC.
 *
 * A retry gets the same again.
 */
export interface Accepted {
  readonly id: string;
  readonly stream: string;
  readonly epoch: string;
  readonly offset: number;
  readonly at: string;
}

/** Of `publish`. The message's id is the request's. */
export interface PublishPayload {
  content: string;
  room?: string | null | undefined;
  reply_to?: number | null | undefined;
}

/** Of `whisper`. The message's id is the request's. With `to_id` it is for that person alone. */
export interface WhisperPayload {
  to: string;
  content: string;
  reply_to?: number | null | undefined;
  to_id?: number | null | undefined;
}

/** Who is online, sorted by name. */
export interface UserList {
  readonly users: readonly UserView[];
}

/**
 * A person as others see them.
 *
 * `role`: in a list of members, what was given to somebody in the room. None: nothing, as to guests.
 */
export interface UserView {
  readonly username: string;
  readonly user_id: number;
  readonly status: "away" | "busy" | "offline" | "online";
  readonly role?: "member" | "moderator" | "none" | "owner";
}

/** The status that others see now. */
export interface StatusSet {
  readonly status: "away" | "busy" | "offline" | "online";
}

/** Of `presence`. */
export interface PresencePayload {
  status: "away" | "busy" | "offline" | "online";
}

/** The rooms, sorted by name. */
export interface RoomList {
  readonly rooms: readonly RoomView[];
}

/** A room as a list shows it; `members` is a count. */
export interface RoomView {
  readonly room: string;
  readonly topic: string;
  readonly members: number;
  readonly private?: boolean;
}

/** One is in the room now. Live events of `stream` follow from `offset` + 1 on. */
export interface RoomJoined {
  readonly room: string;
  readonly stream: string;
  readonly epoch: string;
  readonly offset: number;
  readonly members: number;
  readonly topic: string;
  readonly created: boolean;
}

/** Of `create`. */
export interface CreatePayload {
  room: string;
  private?: boolean | undefined;
}

/** Of an action on a room that must be named. */
export interface RoomPayload {
  room: string;
}

/** One is no longer in `room`. `current` is where a text connection is now. */
export interface RoomLeft {
  readonly room: string;
}

/** Of an action on a room; without `room` it is the default room. */
export interface OwnRoomPayload {
  room?: string | null | undefined;
}

/** The room's topic as it is now (asked for, or set). */
export interface TopicSet {
  readonly room: string;
  readonly topic: string;
}

/** Of `topic`. Without `topic` it asks for it. */
export interface TopicPayload {
  room?: string | null | undefined;
  topic?: string | null | undefined;
}

/** Who is in a room: how many, and the first of them by name (at most `members_listed`). */
export interface MemberList {
  readonly room: string;
  readonly count: number;
  readonly users: readonly UserView[];
}

/** That person may come into the room. */
export interface Invited {
  readonly room: string;
  readonly username: string;
}

/** Of `invite`. */
export interface InvitePayload {
  to: string;
  room?: string | null | undefined;
}

/** What that person may do in the room now. */
export interface RoleSet {
  readonly room: string;
  readonly username: string;
  readonly role: "member" | "moderator" | "none" | "owner";
}

/** Of `role`. */
export interface RolePayload {
  user: string;
  role: "member" | "moderator" | "none" | "owner";
  room?: string | null | undefined;
}

/** The room's settings as they are now (asked for, or set). `role` is the asker's own. */
export interface RoomSettingsShown {
  readonly room: string;
  readonly private: boolean;
  readonly retain_days: number;
  readonly topic?: string;
  readonly owner?: string;
  readonly role?: "member" | "moderator" | "none" | "owner";
}

/** Of `room_settings`. Without a change it asks for them. */
export interface RoomSettingsPayload {
  room?: string | null | undefined;
  private?: boolean | null | undefined;
  retain_days?: number | null | undefined;
}

/** Messages as they stand now, oldest first. `more`: there are others on the side that was asked for. */
export interface History {
  readonly stream: string;
  readonly messages: readonly MessageView[];
  readonly more: boolean;
  readonly room?: string;
  readonly with?: string;
}

/** A message as it stands now, in a history. `room` or `to` is set; `content` is "" where `deleted`. */
export interface MessageView {
  readonly from: string;
  readonly from_id: number;
  readonly content: string;
  readonly id: string;
  readonly stream: string;
  readonly epoch: string;
  readonly offset: number;
  readonly at: string;
  readonly room?: string;
  readonly to?: string;
  readonly to_id?: number;
  readonly reply_to?: number;
  readonly edited_at?: string;
  readonly deleted?: boolean;
  readonly reactions?: readonly Reaction[];
  readonly file?: FileView;
}

/** A sign that people put to a message: how many, and the first of them. */
export interface Reaction {
  readonly emoji: string;
  readonly count: number;
  readonly users: readonly string[];
}

/** A kept file, at `/blobs/FILE/NAME`. `size` in bytes, `sha256` in hexadecimal digits. */
export interface FileView {
  readonly file: string;
  readonly name: string;
  readonly size: number;
  readonly type: string;
  readonly sha256: string;
  readonly thumbnail?: ThumbnailView;
}

/** A small picture of a picture, at `/blobs/FILE/thumbnail`, with an id of its own; in pixels. */
export interface ThumbnailView {
  readonly file: string;
  readonly width: number;
  readonly height: number;
}

/** Of `history`: of a room, of the private talk `with` somebody, or of the stream of one of them. */
export interface HistoryPayload {
  room?: string | null | undefined;
  with?: string | null | undefined;
  before?: number | null | undefined;
  after?: number | null | undefined;
  around?: number | null | undefined;
  limit?: number | null | undefined;
  stream?: string | null | undefined;
}

/** What was found, newest first. `more`: there is more than was asked for. */
export interface SearchResult {
  readonly messages: readonly MessageView[];
  readonly more: boolean;
}

/**
 * Of `search`: everywhere, or as in `history`.
 *
 * With `before`, what is older than that message, which is in `before_stream`, or in what is searched.
 */
export interface SearchPayload {
  query: string;
  room?: string | null | undefined;
  with?: string | null | undefined;
  limit?: number | null | undefined;
  stream?: string | null | undefined;
  before?: number | null | undefined;
  before_stream?: string | null | undefined;
}

/** Of `edit`. Without `stream` the default room, without `offset` one's own last message there. */
export interface EditPayload {
  content: string;
  stream?: string | null | undefined;
  offset?: number | null | undefined;
}

/** Of `delete`; `stream` and `offset` as in `edit`. */
export interface DeletePayload {
  stream?: string | null | undefined;
  offset?: number | null | undefined;
}

/** Carried out; there is nothing to tell. */
export type Done = Record<string, never>;

/** Of `react`. Without `offset` the last message there. */
export interface ReactPayload {
  emoji: string;
  stream?: string | null | undefined;
  offset?: number | null | undefined;
  remove?: boolean | undefined;
}

/** What was missed has been told, up to these positions; what follows is live. */
export interface Resumed {
  readonly positions: Readonly<Record<string, Place>>;
}

/** The last position of a stream that a client has: what it resumes from. */
export interface Place {
  readonly epoch: string;
  readonly offset: number;
}

/** Of `resume`: the last position that was seen, by stream. */
export interface ResumePayload {
  positions: Readonly<Record<string, PlacePayload>>;
}

/** A position that a client has; offset 0: nothing of it yet. */
export interface PlacePayload {
  epoch: string;
  offset: number;
}

/** The cursor stands here now. It never goes back. */
export interface ReadUpTo {
  readonly stream: string;
  readonly offset: number;
}

/** Of `read`. */
export interface ReadPayload {
  stream: string;
  offset: number;
}

/** The streams that have something new, or all that one has. */
export interface UnreadList {
  readonly streams: readonly UnreadView[];
}

/**
 * A stream with its head (`epoch`, `offset`), the cursor (`read`), and the messages of others between.
 *
 * `room` is set for a room, `with_` for a private talk, none of them for the account's own notices. Only
 * where all were asked for: `at`, the time of the last entry (None: it is erased, or nothing is kept), and
 * `gone`: `with_` is what a guest was called, who cannot be reached by it. Else such a guest has no name.
 */
export interface UnreadView {
  readonly stream: string;
  readonly epoch: string;
  readonly offset: number;
  readonly read: number;
  readonly unread: number;
  readonly mentions?: number;
  readonly room?: string;
  readonly with?: string;
  readonly at?: string;
  readonly gone?: boolean;
}

/** Of `unread`. With `all` it asks for all rooms and talks that one has. */
export interface UnreadPayload {
  all?: boolean | undefined;
}

/** The file is on offer. `keep`: the server takes it itself, and keeps it. */
export interface Offered {
  readonly offer: string;
  readonly keep: boolean;
}

/**
 * Of `file_offer`: to a person (`to_id` as in `whisper`) or to a room. With `offer` it takes one of one's
 * own up again.
 */
export interface FileOfferPayload {
  filename: string;
  size: number;
  to?: string | null | undefined;
  room?: string | null | undefined;
  sha256?: string | null | undefined;
  filetype?: string | null | undefined;
  content?: string | null | undefined;
  offer?: string | null | undefined;
  hello?: string | null | undefined;
  to_id?: number | null | undefined;
}

/** Of `file_accept`: by `offer`, else the oldest that is open of `from` and `filename`. */
export interface FileAcceptPayload {
  offer?: string | null | undefined;
  from?: string | null | undefined;
  filename?: string | null | undefined;
  offset?: number | undefined;
  direct?: boolean | undefined;
  hello?: string | null | undefined;
}

/** Of `file_decline`; which one, as in `file_accept`. */
export interface FileDeclinePayload {
  offer?: string | null | undefined;
  from?: string | null | undefined;
  filename?: string | null | undefined;
}

/** Of `file_cancel` and `file_start`. */
export interface OfferPayload {
  offer: string;
}

/** Of `file_finish`: the digest of all that has arrived. */
export interface FileFinishPayload {
  offer: string;
  sha256: string;
}

/** Open offers to the asker and by it, and the newest files that are kept, in order. */
export interface FileList {
  readonly offers: readonly OfferView[];
  readonly files: readonly FileView[];
}

/** An open offer. `state`: `offered`, `running`, or `interrupted` (accept it again to go on). */
export interface OfferView {
  readonly offer: string;
  readonly from: string;
  readonly filename: string;
  readonly size: number;
  readonly state: string;
  readonly to?: string;
  readonly room?: string;
}

/** Of `files`: of a room, or of the private talk `with` somebody. */
export interface FilesPayload {
  room?: string | null | undefined;
  with?: string | null | undefined;
}

/** Where to fetch it by HTTP, once, within `expires_in` seconds. `url` begins with `/` or a scheme. */
export interface FileLink {
  readonly url: string;
  readonly name: string;
  readonly size: number;
  readonly expires_in: number;
}

/** Of `file_get`: by the file's id, or the newest of that name. */
export interface FileGetPayload {
  file?: string | null | undefined;
  filename?: string | null | undefined;
  room?: string | null | undefined;
}

/** Alive. */
export type Ponged = Record<string, never>;

/** How many connections the payload went to. */
export interface Announced {
  readonly count: number;
}

/** Of `send_to`: `payload` is any JSON value. */
export interface SendToPayload {
  connection_ids: readonly string[];
  payload: unknown;
}

/** How many gateway connections there are. */
export interface Connections {
  readonly count: number;
}

/** Somebody said something in a room. */
export interface MessagePosted {
  readonly from: string;
  readonly from_id: number;
  readonly room: string;
  readonly content: string;
  readonly id: string;
  readonly stream: string;
  readonly epoch: string;
  readonly offset: number;
  readonly at: string;
  readonly reply_to?: number;
  readonly mentions?: readonly string[];
  readonly file?: FileView;
}

/** Somebody said something to one person. Both get it. */
export interface WhisperPosted {
  readonly from: string;
  readonly from_id: number;
  readonly to: string;
  readonly to_id: number;
  readonly content: string;
  readonly id: string;
  readonly stream: string;
  readonly epoch: string;
  readonly offset: number;
  readonly at: string;
  readonly reply_to?: number;
  readonly file?: FileView;
}

/**
 * Somebody put other words in place of the message at `target`, an offset of the same stream.
 *
 * `room` is None in a private talk; so in the two below.
 */
export interface MessageEdited {
  readonly from: string;
  readonly from_id: number;
  readonly target: number;
  readonly content: string;
  readonly id: string;
  readonly stream: string;
  readonly epoch: string;
  readonly offset: number;
  readonly at: string;
  readonly room?: string;
}

/** The message at `target` was taken back. */
export interface MessageDeleted {
  readonly from: string;
  readonly from_id: number;
  readonly target: number;
  readonly id: string;
  readonly stream: string;
  readonly epoch: string;
  readonly offset: number;
  readonly at: string;
  readonly room?: string;
}

/** What stood at this position is gone. Only told by a resume, so that nobody takes it for a hole. */
export interface MessageErased {
  readonly stream: string;
  readonly epoch: string;
  readonly offset: number;
}

/** Somebody put a sign to the message at `target`, or took it back. */
export interface ReactionChanged {
  readonly from: string;
  readonly from_id: number;
  readonly target: number;
  readonly emoji: string;
  readonly id: string;
  readonly stream: string;
  readonly epoch: string;
  readonly offset: number;
  readonly at: string;
  readonly removed?: boolean;
  readonly room?: string;
}

/** On the account's own notices: somebody named it in a room, in the message `message_id`. */
export interface Mentioned {
  readonly from: string;
  readonly from_id: number;
  readonly room: string;
  readonly room_stream: string;
  readonly message_id: string;
  readonly stream: string;
  readonly epoch: string;
  readonly offset: number;
  readonly at: string;
}

/** Somebody said what the room is about. */
export interface TopicChanged {
  readonly from: string;
  readonly from_id: number;
  readonly room: string;
  readonly topic: string;
  readonly stream: string;
  readonly epoch: string;
  readonly offset: number;
  readonly at: string;
}

/** Somebody changed the room's settings: they are these now. */
export interface RoomChanged {
  readonly from: string;
  readonly from_id: number;
  readonly room: string;
  readonly private: boolean;
  readonly retain_days: number;
  readonly stream: string;
  readonly epoch: string;
  readonly offset: number;
  readonly at: string;
}

/** Somebody said what a person may do in the room; an invitation makes a `member`. */
export interface RoleChanged {
  readonly from: string;
  readonly from_id: number;
  readonly username: string;
  readonly user_id: number;
  readonly role: "member" | "moderator" | "none" | "owner";
  readonly room: string;
  readonly stream: string;
  readonly epoch: string;
  readonly offset: number;
  readonly at: string;
}

/** On the account's own notices: somebody let it into a room. */
export interface RoomInvitation {
  readonly from: string;
  readonly from_id: number;
  readonly room: string;
  readonly room_stream: string;
  readonly stream: string;
  readonly epoch: string;
  readonly offset: number;
  readonly at: string;
}

/** What was missed of `stream` cannot be told whole. Begin anew behind this position (see history). */
export interface Gap {
  readonly stream: string;
  readonly epoch: string;
  readonly offset: number;
}

/** Another device of the same account has read up to here. */
export interface ReadMoved {
  readonly stream: string;
  readonly offset: number;
}

/** Somebody came into a room that the receiver is in. */
export interface Joined {
  readonly username: string;
  readonly user_id: number;
  readonly room: string;
}

/** Somebody left a room that the receiver is in, or (`room` None) the server. */
export interface Left {
  readonly username: string;
  readonly user_id: number;
  readonly room?: string;
}

/** Somebody is online, away or busy now. */
export interface StatusChanged {
  readonly username: string;
  readonly user_id: number;
  readonly status: "away" | "busy" | "offline" | "online";
}

/** Somebody is writing in a room. */
export interface UserTyping {
  readonly username: string;
  readonly user_id: number;
  readonly room: string;
}

/**
 * Somebody offers the receiver a file. Told again after a login, and when a transfer may go on.
 *
 * `hello` is from the sender's program.
 */
export interface FileOffered {
  readonly from: string;
  readonly from_id: number;
  readonly to: string;
  readonly filename: string;
  readonly size: number;
  readonly offer: string;
  readonly sha256?: string;
  readonly filetype?: string;
  readonly hello?: string;
}

/** `to` does not want the file that `sender` offered. Told to `sender`, and to other devices of `to`. */
export interface FileDeclined {
  readonly from: string;
  readonly to: string;
  readonly filename: string;
  readonly offer: string;
}

/**
 * Told to the sender: `to` wants the file from `offset` on, and can be reached as `hello` says.
 *
 * And to the other devices of `to`: it is taken, so accepting it there would be refused.
 */
export interface FileAccepted {
  readonly to: string;
  readonly filename: string;
  readonly offer: string;
  readonly offset: number;
  readonly hello?: string;
}

/**
 * The receiver of this sends the file's bytes now, from `offset` to `size`.
 *
 * Chunks may be `window` bytes ahead of what `FileProgress` says is taken.
 */
export interface UploadStarted {
  readonly filename: string;
  readonly offer: string;
  readonly size: number;
  readonly offset?: number;
  readonly window?: number;
}

/** The receiver of this gets the file's bytes now, from `offset` to `size`. */
export interface DownloadStarted {
  readonly from: string;
  readonly filename: string;
  readonly size: number;
  readonly offer: string;
  readonly offset?: number;
}

/** Told to a sender of chunks: everything below `offset` is taken. */
export interface FileProgress {
  readonly offer: string;
  readonly offset: number;
}

/** The whole file has arrived, with this digest. Told to both sides. */
export interface FileDone {
  readonly filename: string;
  readonly offer: string;
  readonly sha256: string;
}

/** The transfer ended without the whole file. `again`: the offer stands, and accepting it goes on. */
export interface FileFailed {
  readonly from: string;
  readonly filename: string;
  readonly offer: string;
  readonly reason: "cancelled" | "digest" | "expired" | "lost" | "size" | "stalled" | "storage";
  readonly message: string;
  readonly again?: boolean;
}

/** First thing on a gateway connection. */
export interface Welcome {
  readonly connection_id: string;
  readonly user: string | null;
}

/**
 * The last thing before the server closes. `retry_after` in seconds; None: do not come back.
 *
 * `reason`: `drain` (restart), `slow` (reconnect and resume), `replaced` (logged in elsewhere),
 * `idle`, `policy` (the login has ended), `disabled` (the account is).
 */
export interface GoingAway {
  readonly reason: string;
  readonly retry_after?: number;
}

/** What an action takes, and the data of its response. A refused one gets a `Refusal`. */
export interface Actions {
  login: { payload: LoginPayload; data: LoggedIn };
  register: { payload: RegisterPayload; data: LoggedIn };
  refresh: { payload: RefreshPayload; data: LoggedIn };
  logout: { payload: NoPayload; data: LoggedOut };
  password: { payload: PasswordPayload; data: PasswordSet };
  sessions: { payload: SessionsPayload; data: SessionList | SessionEnded };
  publish: { payload: PublishPayload; data: Accepted };
  whisper: { payload: WhisperPayload; data: Accepted };
  list: { payload: NoPayload; data: UserList };
  presence: { payload: PresencePayload; data: StatusSet };
  rooms: { payload: NoPayload; data: RoomList };
  create: { payload: CreatePayload; data: RoomJoined };
  join: { payload: RoomPayload; data: RoomJoined };
  leave: { payload: OwnRoomPayload; data: RoomLeft };
  topic: { payload: TopicPayload; data: TopicSet };
  members: { payload: OwnRoomPayload; data: MemberList };
  invite: { payload: InvitePayload; data: Invited };
  role: { payload: RolePayload; data: RoleSet };
  room_settings: { payload: RoomSettingsPayload; data: RoomSettingsShown };
  history: { payload: HistoryPayload; data: History };
  search: { payload: SearchPayload; data: SearchResult };
  edit: { payload: EditPayload; data: Accepted };
  delete: { payload: DeletePayload; data: Accepted };
  react: { payload: ReactPayload; data: Accepted | Done };
  resume: { payload: ResumePayload; data: Resumed };
  read: { payload: ReadPayload; data: ReadUpTo };
  unread: { payload: UnreadPayload; data: UnreadList };
  file_offer: { payload: FileOfferPayload; data: Offered };
  file_accept: { payload: FileAcceptPayload; data: Done };
  file_decline: { payload: FileDeclinePayload; data: Done };
  file_cancel: { payload: OfferPayload; data: Done };
  file_start: { payload: OfferPayload; data: Done };
  file_finish: { payload: FileFinishPayload; data: Done };
  files: { payload: FilesPayload; data: FileList };
  file_get: { payload: FileGetPayload; data: FileLink };
  typing: { payload: OwnRoomPayload; data: Done };
  ping: { payload: NoPayload; data: Ponged };
  echo: { payload: unknown; data: unknown };
  broadcast: { payload: unknown; data: Announced };
  send_to: { payload: SendToPayload; data: Announced };
  get_connections: { payload: NoPayload; data: Connections };
}

/** The data of a notification, by its event. */
export interface Events {
  message: MessagePosted;
  private: WhisperPosted;
  edited: MessageEdited;
  deleted: MessageDeleted;
  erased: MessageErased;
  reaction: ReactionChanged;
  mention: Mentioned;
  topic: TopicChanged;
  room_changed: RoomChanged;
  role: RoleChanged;
  invitation: RoomInvitation;
  gap: Gap;
  read: ReadMoved;
  joined: Joined;
  left: Left;
  status: StatusChanged;
  typing: UserTyping;
  file_offer: FileOffered;
  file_decline: FileDeclined;
  file_accepted: FileAccepted;
  file_upload: UploadStarted;
  file_download: DownloadStarted;
  file_progress: FileProgress;
  file_done: FileDone;
  file_failed: FileFailed;
  broadcast: unknown;
  welcome: Welcome;
  going_away: GoingAway;
}
