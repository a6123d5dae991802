package dev.kwal.samples.events

import io.kotest.core.spec.style.StringSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.shouldBe

/** What the README shows does what it says. */
class QuickStartSpec :
    StringSpec({
        "each order gets the next LSN, over restarts of the application too" {
            val directory = tempdir().toPath()
            for (lsn in 1..3) {
                served({ orders(directory) }) {
                    post("order $lsn", "text/plain", "/orders").body() shouldBe "$lsn"
                }
            }
        }
    })
