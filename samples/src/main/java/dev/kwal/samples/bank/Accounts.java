package dev.kwal.samples.bank;

import dev.kwal.Durability;
import dev.kwal.Wal;
import dev.kwal.WalOptions;
import dev.kwal.WalRecord;
import dev.kwal.storage.FileStore;
import dev.kwal.storage.WalStore;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Accounts between which money moves, on one thread. A transfer is one batch of two records, each of which says what an
 * account has from now on: a crash leaves both or none, so that no money is lost and none is made. The account, from 1, is
 * the tag of its records, so that a statement reads nobody else's.
 */
public final class Accounts implements AutoCloseable {
    private static final int RECORD_BYTES = Integer.BYTES + Long.BYTES;

    private final Wal log;
    private final Map<Integer, Long> balances = new HashMap<>();

    private Accounts(Wal log) {
        this.log = log;
    }

    /** Dated by the system's clock. */
    public static Accounts open(Path directory) throws IOException {
        return open(FileStore.of(directory), Statement.DATED);
    }

    /** Dated by the options' clock, if there is one. */
    public static Accounts open(WalStore store, WalOptions options) throws IOException {
        var accounts = new Accounts(Wal.open(store, options));
        try (var cursor = accounts.log.replay(0)) {
            while (cursor.next()) {
                accounts.apply(cursor.record());
            }
        } catch (Throwable e) {
            accounts.log.close();
            throw e;
        }
        return accounts;
    }

    public Map<Integer, Long> balances() {
        return Map.copyOf(balances);
    }

    /** Durable on return. */
    public void deposit(int account, long amount) throws IOException {
        var balance = balances.getOrDefault(account, 0L) + amount;
        Statement.book(log, account, record(account, balance));
        balances.put(account, balance);
    }

    /** Durable on return, on both sides. */
    public void transfer(int from, int to, long amount) throws IOException {
        var left = balances.getOrDefault(from, 0L) - amount;
        if (from == to || to < 1 || left < 0) {
            throw new IllegalArgumentException("account " + from + " cannot give " + amount + " to " + to);
        }
        var right = balances.getOrDefault(to, 0L) + amount;
        var records = List.of(record(from, left), record(to, right));
        log.tagged(from).appendBatch(records, new int[] {from, to}, Durability.SYNCED);
        balances.put(from, left);
        balances.put(to, right);
    }

    /** What an account had after each change since a moment, newest first. For a log that has had a clock ever since. */
    public List<String> statement(int account, Instant since) throws IOException {
        return Statement.newestFirst(log, account, since);
    }

    @Override
    public void close() throws IOException {
        log.close();
    }

    private static ByteBuffer record(int account, long balance) {
        return ByteBuffer.allocate(RECORD_BYTES)
                .putInt(account)
                .putLong(balance)
                .flip();
    }

    static long balance(ByteBuffer record) {
        return record.getLong(record.position() + Integer.BYTES);
    }

    private void apply(WalRecord record) {
        var bytes = record.toByteBuffer();
        balances.put(bytes.getInt(bytes.position()), balance(bytes));
    }
}
