package dev.kwal.samples.events

import io.kotest.core.spec.style.StringSpec
import io.kotest.core.test.Enabled
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.shouldBe
import org.openqa.selenium.By
import org.openqa.selenium.WebDriver
import org.openqa.selenium.chrome.ChromeDriver
import org.openqa.selenium.chrome.ChromeDriverService
import org.openqa.selenium.chrome.ChromeOptions
import org.openqa.selenium.support.ui.WebDriverWait
import java.io.File
import java.nio.file.Files
import java.nio.file.Path
import java.util.logging.Level
import java.util.logging.Logger

/** The page in a real browser. Skipped where there is none: Debian's packages chromium and chromium-driver bring it. */
class PageSpec :
    StringSpec({
        val chromium = onPath("chromium", "chromium-browser", "google-chrome")
        val driver = onPath("chromedriver")
        val isThere = if (chromium != null && driver != null) {
            Enabled.enabled
        } else {
            Enabled.disabled("PageSpec is skipped: there is no chromium with its chromedriver on the path")
                .also { println(it.reason) }
        }

        "an event posted by the form appears in the live list, and so does one that somebody else posts"
            .config(enabledOrReasonIf = { isThere }) {
                ForkedService(tempdir().toPath()).use { service ->
                    browser(chromium!!, driver!!).use { page ->
                        page.get(service.uri.toString())
                        page.await(By.id("connection"), "connected")
                        page.findElement(By.name("text")).sendKeys("<b>by hand</b>")
                        page.findElement(By.cssSelector("button")).click()
                        page.await(By.cssSelector("#events li:first-child"), "1\nnote\n<b>by hand</b>")
                        page.await(By.id("answer"), "Durable as 1.")
                        service.client.post("""{"type":"other","text":"from elsewhere"}""")
                        page.await(By.cssSelector("#events li:first-child"), "2\nother\nfrom elsewhere")
                        service.client.events().map { it.text } shouldBe listOf("<b>by hand</b>", "from elsewhere")
                    }
                }
            }
    })

/** Kept here, because the logging of the JDK forgets the level of a logger that nobody holds. */
private val seleniumLog: Logger = Logger.getLogger("org.openqa.selenium").apply { level = Level.SEVERE }

private fun onPath(vararg names: String): Path? = names.asSequence()
    .flatMap { name -> System.getenv("PATH").split(File.pathSeparator).map { Path.of(it, name) } }
    .firstOrNull(Files::isExecutable)

/** With both paths given, Selenium looks nothing up and downloads nothing. */
private fun browser(chromium: Path, driver: Path): ClosingBrowser {
    seleniumLog.fine("driven by $driver")
    val service = ChromeDriverService.Builder().usingDriverExecutable(driver.toFile()).usingAnyFreePort().build()
    val options = ChromeOptions().setBinary(chromium.toString())
        .addArguments("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu")
    return ClosingBrowser(ChromeDriver(service, options))
}

private class ClosingBrowser(private val driver: WebDriver) : WebDriver by driver, AutoCloseable {
    override fun close() = driver.quit()
}

private fun WebDriver.await(place: By, text: String) {
    WebDriverWait(this, GUARD).until { browser -> browser.findElements(place).any { it.text == text } }
}
