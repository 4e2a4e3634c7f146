"""Addresses of signing in and out; of the library's pages only those that this city has, with its names for them."""

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as passkeys
from django.urls import path

from cityloom.accounts import views
from cityloom.accounts.views import not_for_demo

urlpatterns = [
    path("sign-in/", views.SignIn.as_view(), name="sign-in"),
    path("sign-in/", views.SignIn.as_view(), name="account_login"),
    path("sign-in/demo/", views.sign_in_as_demo, name="sign-in-demo"),
    path("sign-in/code/", mfa.authenticate, name="mfa_authenticate"),
    path("sign-in/passkey/", passkeys.login_webauthn, name="mfa_login_webauthn"),
    path("sign-in/closed/", views.closed, name="account_inactive"),
    path("sign-in/with/<slug:provider_id>/", views.to_provider, name="openid_connect_login"),
    path("sign-in/with/<slug:provider_id>/back/", views.from_provider, name="openid_connect_callback"),
    path("sign-out/", views.sign_out, name="sign-out"),
    path("sign-out/", views.sign_out, name="account_logout"),
    path("step-up/", views.step_up, name="step-up"),
    path("step-up/demo/", views.step_up_as_demo, name="step-up-demo"),
    path("step-up/password/", account.reauthenticate, name="account_reauthenticate"),
    path("step-up/code/", mfa.reauthenticate, name="mfa_reauthenticate"),
    path("step-up/passkey/", passkeys.reauthenticate_webauthn, name="mfa_reauthenticate_webauthn"),
    path("account/", views.mine, name="mine"),
    path("account/sessions/end/", views.end_session, name="end-session"),
    path("account/password/", not_for_demo(account.password_change), name="account_change_password"),
    path("account/second-factor/", not_for_demo(mfa.index), name="mfa_index"),
    path("account/second-factor/app/", not_for_demo(totp.activate_totp), name="mfa_activate_totp"),
    path("account/second-factor/app/remove/", not_for_demo(totp.deactivate_totp), name="mfa_deactivate_totp"),
    path("account/second-factor/codes/", not_for_demo(codes.view_recovery_codes), name="mfa_view_recovery_codes"),
    path(
        "account/second-factor/codes/new/", not_for_demo(codes.generate_recovery_codes),
        name="mfa_generate_recovery_codes",
    ),
    path(
        "account/second-factor/codes/file/", not_for_demo(codes.download_recovery_codes),
        name="mfa_download_recovery_codes",
    ),
    path("account/second-factor/passkeys/", not_for_demo(passkeys.list_webauthn), name="mfa_list_webauthn"),
    path("account/second-factor/passkeys/add/", not_for_demo(passkeys.add_webauthn), name="mfa_add_webauthn"),
    path(
        "account/second-factor/passkeys/<int:pk>/remove/", not_for_demo(passkeys.remove_webauthn),
        name="mfa_remove_webauthn",
    ),
    path(
        "account/second-factor/passkeys/<int:pk>/name/", not_for_demo(passkeys.edit_webauthn), name="mfa_edit_webauthn"
    ),
    path("contractors/", views.contractors, name="contractors"),
    path("contractors/approve/", views.approve_contractor, name="approve-contractor"),
]  # fmt: skip
