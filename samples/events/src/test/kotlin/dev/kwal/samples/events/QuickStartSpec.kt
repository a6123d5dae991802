package dev.kwal.samples.events

import io.kotest.core.spec.style.StringSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.shouldBe
import io.ktor.client.request.post
import io.ktor.client.request.setBody
import io.ktor.client.statement.bodyAsText
import io.ktor.server.testing.testApplication

/** What the README shows does what it says. */
class QuickStartSpec :
    StringSpec({
        "each order gets the next LSN, over restarts of the application too" {
            val directory = tempdir().toPath()
            for (lsn in 1..3) {
                testApplication {
                    application { orders(directory) }
                    client.post("/orders") { setBody("order $lsn") }.bodyAsText() shouldBe "$lsn"
                }
            }
        }
    })
