package dev.kwal

import dev.kwal.RecoveryTable.Action
import dev.kwal.RecoveryTable.Rest
import dev.kwal.RecoveryTable.Verdict
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.collections.shouldHaveSize
import io.kotest.matchers.shouldBe

/** One row of the table's inputs. */
private data class Finding(
    val isClosed: Boolean,
    val behind: Rest,
    val hasIncompleteBatch: Boolean,
    val newer: Rest,
    val isExpectationMet: Boolean,
    val hasUnproven: Boolean,
) {
    val decision: Verdict =
        RecoveryTable.decide(isClosed, behind, hasIncompleteBatch, newer, isExpectationMet, hasUnproven)

    val somethingIsLost = behind == Rest.PROOF || newer == Rest.PROOF || !isExpectationMet
    val isUndecided = behind == Rest.UNDECIDED || newer == Rest.UNDECIDED
    val isTorn = behind != Rest.NOTHING || newer != Rest.NOTHING || hasIncompleteBatch
}

private val booleans = listOf(false, true)

private val all: List<Finding> = buildList {
    for (isClosed in booleans) {
        for (behind in Rest.entries) {
            for (hasIncompleteBatch in booleans) {
                for (newer in Rest.entries) {
                    for (isExpectationMet in booleans) {
                        for (hasUnproven in booleans) {
                            add(Finding(isClosed, behind, hasIncompleteBatch, newer, isExpectationMet, hasUnproven))
                        }
                    }
                }
            }
        }
    }
}

/** Every rule of recovery, said on its own, over every combination of what can be found. */
class RecoveryTableSpec :
    StringSpec({
        fun rule(about: (Finding) -> Boolean, holds: (Finding) -> Unit) =
            all.filter(about).forEach { withClue("$it: ${it.decision}") { holds(it) } }

        "there are four hundred combinations" {
            all.toSet() shouldHaveSize 400
        }

        "what is proven to be missing, or expected and missing, is corruption, whatever else is found" {
            rule({ it.somethingIsLost }) { it.decision.action() shouldBe Action.CORRUPTED }
        }

        "what cannot be decided is refused, unless something is proven to be missing" {
            rule({ it.isUndecided && !it.somethingIsLost }) { it.decision.action() shouldBe Action.REFUSED }
        }

        "opening fails for no other reason" {
            rule({ !it.isUndecided && !it.somethingIsLost }) {
                (it.decision.action() in setOf(Action.CORRUPTED, Action.REFUSED)) shouldBe false
            }
        }

        "a log that opens is copied exactly when something of it is not proven synced" {
            rule({ !it.isUndecided && !it.somethingIsLost }) {
                (it.decision.action() == Action.COPY) shouldBe it.hasUnproven
            }
        }

        "an old segment is gone on with only behind a close mark with nothing at all behind it" {
            rule({ it.decision.action() == Action.RESUME }) {
                it shouldBe Finding(true, Rest.NOTHING, false, Rest.NOTHING, true, false)
            }
        }

        "a closed log with nothing behind its mark is gone on with" {
            Finding(true, Rest.NOTHING, false, Rest.NOTHING, true, false).decision shouldBe
                Verdict(Action.RESUME, false)
        }

        "torn is what leaves bytes behind, or a batch without its end" {
            rule({ true }) { it.decision.isTorn shouldBe it.isTorn }
        }
    })
