"""The layout of the keys in Redis, and the Lua functions that all scripts share.

All keys begin with a prefix that contains the version of this schema, so that two versions can share a server. The
prefix is a hash tag: in a cluster all keys are in one slot, and so on one server, where a script can use several of
them. A server that evicts may remove any key at any moment: no script may fail for that, and a stream that has lost
entries is not extended any more.

- `s:<id>`, a hash: the stream's record, its bytes, and until when its keys live if nobody adds to it;
- `n:<name>`: the id of the stream that was last begun by that name, which its record has as well;
- `e:<id>`, a stream: its entries, each by the number of its last event;
- `r:<id>`, a sorted set: its readers, by the moment until which they count as present;
- `t:<name>`: exists while a ticket can be taken;
- `a:<worker>`: exists while any stream of that worker has readers;
- `leases`, a sorted set: workers, by the moment until which they count as alive;
- `running`, a sorted set: unfinished streams, by the moment at which their worker was last seen;
- `finished`, a sorted set: finished streams, by the moment at which they expire;
- `sizes`, a hash: the bytes of the finished ones; `total`: the bytes of all, counted anew if the key is missing.

Moments are milliseconds of the server's clock. Channels: `c:<id>` for each change, `x:<id>` for a stop request.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec

PREFIX = "{headrace:3}:"

COMMON = f"""
local P = '{PREFIX}'
local RUNNING, FINISHED, SIZES, TOTAL = P .. 'running', P .. 'finished', P .. 'sizes', P .. 'total'
local LEASES = P .. 'leases'

local function now()
    local time = redis.call('TIME')
    return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function record(id)
    return redis.call('HMGET', P .. 's:' .. id,
        'worker', 'owner', 'question', 'about', 'last', 'finished', 'stopping')
end

-- Return the key by which a stream is found, where it has a name and no other was begun by it since.
local function name_of(id)
    local name = redis.call('HGET', P .. 's:' .. id, 'name')
    if name and redis.call('GET', P .. 'n:' .. name) == id then return P .. 'n:' .. name end
end

local function is_alive(worker, time)
    return tonumber(redis.call('ZSCORE', LEASES, worker) or 0) > time
end

local function bytes_of(id)
    return redis.call('HGET', SIZES, id) or redis.call('HGET', P .. 's:' .. id, 'bytes') or 0
end

-- Count the bytes of all streams, and forget sizes of what is not there any more.
local function recount()
    local total, finished = 0, redis.call('ZRANGE', FINISHED, 0, -1)
    for _, id in ipairs(finished) do total = total + bytes_of(id) end
    for _, id in ipairs(redis.call('ZRANGE', RUNNING, 0, -1)) do
        total = total + (redis.call('HGET', P .. 's:' .. id, 'bytes') or 0)
    end
    if redis.call('HLEN', SIZES) > #finished then
        for _, id in ipairs(redis.call('HKEYS', SIZES)) do
            if not redis.call('ZSCORE', FINISHED, id) then redis.call('HDEL', SIZES, id) end
        end
    end
    redis.call('SET', TOTAL, string.format('%.0f', total))
    return total
end

local function total_bytes()
    return tonumber(redis.call('GET', TOTAL)) or recount()
end

local function forget(id)
    local name = name_of(id)
    if name then redis.call('UNLINK', name) end
    if redis.call('EXISTS', TOTAL) == 1 and redis.call('DECRBY', TOTAL, bytes_of(id)) < 0 then
        redis.call('SET', TOTAL, 0)
    end
    redis.call('HDEL', SIZES, id)
    redis.call('ZREM', FINISHED, id)
    redis.call('ZREM', RUNNING, id)
    redis.call('UNLINK', P .. 's:' .. id, P .. 'e:' .. id)
    redis.call('PUBLISH', P .. 'c:' .. id, '')
end

local function forget_the_old(time, most)
    local old = redis.call('ZRANGEBYSCORE', FINISHED, '-inf', time, 'LIMIT', 0, most)
    for _, id in ipairs(old) do forget(id) end
    return #old
end

local function live_on(id, time, life)
    redis.call('HSET', P .. 's:' .. id, 'until', time + life)
    redis.call('PEXPIRE', P .. 's:' .. id, life)
    redis.call('PEXPIRE', P .. 'e:' .. id, life)
    local name = name_of(id)
    if name then redis.call('PEXPIRE', name, life) end
end

-- Forget finished streams, the oldest first, until so many bytes fit; return how many do.
local function make_room(size, bound, time)
    if total_bytes() + size > bound then forget_the_old(time, 1000) end
    while true do
        local total = total_bytes()
        local oldest = redis.call('ZRANGE', FINISHED, 0, 0)[1]
        if total + size <= bound or not oldest then return bound - total end
        forget(oldest)
    end
end
"""


class Script(msgspec.Struct, frozen=True):
    """A Lua script.

    Args:
        source: The source, in UTF-8.
        digest: The SHA-1 of the source, by which the server finds a script that it has loaded.
        key_kind: The prefix of the key that the first argument names, such as "s"; None for a script about no single
            stream or name.
    """

    source: bytes
    digest: str
    key_kind: str | None

    def key(self, arguments: Sequence[object]) -> str:
        """Return a key of the script: a cluster finds the server by it, and whether the slot is being moved."""
        return f"{PREFIX}running" if self.key_kind is None else f"{PREFIX}{self.key_kind}:{arguments[0]}"


def script(body: str, key_kind: str | None = None) -> Script:
    """Return a script that has the shared functions before its body.

    Args:
        body: The body, in Lua.
        key_kind: See `Script`.
    """
    source = (COMMON + body).encode()
    return Script(source, hashlib.sha1(source).hexdigest(), key_kind)  # noqa: S324  # the server's choice, not a secret


def stream_script(body: str) -> Script:
    """Return a script about the stream that its first argument names."""
    return script(body, "s")


def batches_script(body: str) -> Script:
    """Return a script about the batches of the stream that its first argument names."""
    return script(body, "e")


def ticket_script(body: str) -> Script:
    """Return a script about the ticket that its first argument names."""
    return script(body, "t")


def name_script(body: str) -> Script:
    """Return a script about the name that is its first argument."""
    return script(body, "n")
