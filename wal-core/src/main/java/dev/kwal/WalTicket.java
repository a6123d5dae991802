package dev.kwal;

import java.util.concurrent.CompletionStage;

/**
 * The receipt of an accepted record, or of the last record of a batch. The record commits with its group whatever becomes
 * of the ticket.
 *
 * @param lsn the LSN of the record, or of the last record of the batch
 * @param reached completes with the LSN when the record has reached the level asked for, or exceptionally with a
 *     {@link WalFailedException} if the log failed first, or a {@link WalClosedException}. Completed on the executor of the
 *     options, never on the thread that flushes
 */
public record WalTicket(long lsn, CompletionStage<Long> reached) {}
